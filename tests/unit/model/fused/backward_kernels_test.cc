// Each kernel's gradient against differences of what its forward kernel computes.
#include "model/fused/backward_kernels.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <vector>

namespace polyscene {
namespace {

constexpr int kRows = 3;

struct Numbers {
  explicit Numbers(int of_width) : width(of_width), values(static_cast<size_t>(kRows) * of_width) {}
  static Numbers Random(int width, std::mt19937& random) {
    Numbers made(width);
    std::normal_distribution<float> normal;
    for (float& value : made.values) value = normal(random);
    return made;
  }
  RowsView View() { return {values.data(), width, false}; }

  int width;
  std::vector<float> values;
};

// d(sum of factors * forward())/d(input), by central differences.
std::vector<float> Differences(Numbers& input, Numbers& out, const Numbers& factors, const std::function<void()>& run) {
  constexpr float kStep = 1e-2f;
  std::vector<float> gradient;
  const auto loss = [&] {
    run();
    double sum = 0;
    for (size_t i = 0; i < out.values.size(); ++i) sum += double{out.values[i]} * factors.values[i];
    return sum;
  };
  for (float& value : input.values) {
    const float before = value;
    value = before + kStep;
    const double above = loss();
    value = before - kStep;
    const double below = loss();
    value = before;
    gradient.push_back(static_cast<float>((above - below) / (2 * kStep)));
  }
  run();
  return gradient;
}

void ExpectNear(const std::vector<float>& got, const std::vector<float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 5e-3f) << i;
}

TEST(BackwardKernelsTest, SoftmaxOfGroups) {
  std::mt19937 random(1);
  Numbers in = Numbers::Random(6, random);
  Numbers out(6);
  Numbers gradient = Numbers::Random(6, random);
  const std::vector<float> expected = Differences(in, out, gradient, [&] {
    out.values = in.values;
    SoftmaxGroups(out.View(), kRows, 3);
  });
  SoftmaxGroupsBackward(out.View(), kRows, 3, gradient.View());
  ExpectNear(gradient.values, expected);
}

TEST(BackwardKernelsTest, OpenGates) {
  std::mt19937 random(2);
  Numbers in = Numbers::Random(5, random);
  Numbers out(5);
  Numbers gradient = Numbers::Random(5, random);
  const std::vector<float> expected = Differences(in, out, gradient, [&] {
    out.values = in.values;
    OpenGates(out.View(), kRows);
  });
  OpenGatesBackward(out.View(), kRows, gradient.View());
  ExpectNear(gradient.values, expected);
}

// Of 19 columns: sixteen together, and three more.
TEST(BackwardKernelsTest, MixAddsToPartsAndToItsSharesAlone) {
  std::mt19937 random(3);
  Numbers a = Numbers::Random(19, random);
  Numbers b = Numbers::Random(19, random);
  Numbers shares = Numbers::Random(4, random);
  Numbers out(19);
  const Numbers gradient = Numbers::Random(19, random);
  const auto run = [&] { MixRows({a.View(), b.View()}, shares.View(), 1, kRows, out.View()); };
  const std::vector<float> of_a = Differences(a, out, gradient, run);
  const std::vector<float> of_shares = Differences(shares, out, gradient, run);

  Numbers a_gradient(19), b_gradient(19), share_gradient(4);
  a_gradient.values.assign(a_gradient.values.size(), 1.0f);  // It is added to.
  Numbers incoming = gradient;
  MixRowsBackward(incoming.View(), {a.View(), b.View()}, shares.View(), 1, kRows,
                  {a_gradient.View(), b_gradient.View()}, share_gradient.View());
  for (float& value : a_gradient.values) value -= 1.0f;
  ExpectNear(a_gradient.values, of_a);
  ExpectNear(share_gradient.values, of_shares);
}

TEST(BackwardKernelsTest, PairProducts) {
  std::mt19937 random(4);
  Numbers x = Numbers::Random(3 * 4 + 2, random);  // Three vectors, and two numbers that are none's.
  Numbers out(4);
  Numbers gradient = Numbers::Random(4, random);
  const std::vector<float> expected =
      Differences(x, out, gradient, [&] { PairProducts(x.View(), 3, kRows, out.View()); });
  Numbers of_x(x.width);
  PairProductsBackward(gradient.View(), x.View(), 3, kRows, of_x.View());
  ExpectNear(of_x.values, expected);
}

TEST(BackwardKernelsTest, ReluLetsThroughWhatIsAboveZero) {
  Numbers out(2);
  out.values = {1.0f, 0.0f, 0.5f, 2.0f, 0.0f, 0.0f};
  Numbers gradient(2);
  gradient.values = {1, 2, 3, 4, 5, 6};
  MaskByRelu(out.View(), kRows, gradient.View());
  EXPECT_EQ(gradient.values, (std::vector<float>{1, 0, 3, 4, 0, 0}));
}

TEST(BackwardKernelsTest, SumsAndColumns) {
  Numbers gradient(3);
  gradient.values = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::vector<float> sums = {100, 200};
  AddColumnSums(gradient.View(), kRows, 1, 2, sums.data());
  EXPECT_EQ(sums, (std::vector<float>{115, 218}));

  Numbers to(2);
  to.values = {1, 1, 1, 1, 1, 1};
  AddColumns(gradient.View(), 1, kRows, to.View());
  EXPECT_EQ(to.values, (std::vector<float>{3, 4, 6, 7, 9, 10}));
  Numbers twice(2);
  twice.values = {2, 2, 2, 2, 2, 2};
  Numbers products(2);
  products.values = {1, 1, 1, 1, 1, 1};
  AddProducts(to.View(), twice.View(), kRows, products.View());
  EXPECT_EQ(products.values, (std::vector<float>{7, 9, 13, 15, 19, 21}));
}

}  // namespace
}  // namespace polyscene
