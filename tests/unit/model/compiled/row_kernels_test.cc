#include "model/compiled/row_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace polyscene {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::FloatNear;

RowsView View(std::vector<float>& values, int width) { return {values.data(), width, false}; }

TEST(RowKernelsTest, SoftmaxSumsToOneInEachGroupHoweverLargeLogitsAre) {
  std::vector<float> x = {0, std::log(3.0f), 1000, 1000, -1000, 0};
  SoftmaxGroups(View(x, 6), 1, 2);
  EXPECT_THAT(x, ElementsAre(FloatNear(0.25f, 1e-6f), FloatNear(0.75f, 1e-6f), FloatEq(0.5f), FloatEq(0.5f),
                             FloatNear(0, 1e-6f), FloatNear(1, 1e-6f)));
}

TEST(RowKernelsTest, GathersVectorsOfAnyWidthAndWritesNothingBesideThem) {
  for (int width = 1; width <= 50; ++width) {
    std::vector<std::vector<float>> vectors;
    std::vector<const float*> pointers;
    for (int row = 0; row < 3; ++row) {
      std::vector<float>& values = vectors.emplace_back();
      for (int i = 0; i < width; ++i) values.push_back(static_cast<float>(100 * row + i));  // bfloat16 has them all.
    }
    for (const std::vector<float>& values : vectors) pointers.push_back(values.data());
    const int all = width + 4;
    std::vector<float> floats(5 * all, -1);
    GatherColumns(pointers, width, View(floats, all), 1, 2);
    std::vector<BFloat16> halves(5 * all);
    GatherColumns(pointers, width, {halves.data(), all, true}, 1, 2);
    for (int row = 0; row < 5; ++row) {
      for (int i = 0; i < all; ++i) {
        const bool written = row >= 1 && row < 4 && i >= 2 && i < width + 2;
        const float expected = written ? vectors[row - 1][i - 2] : -1;
        ASSERT_EQ(floats[row * all + i], expected) << width << " " << row << " " << i;
        float half = 0;
        LoadColumns({halves.data(), all, true}, row, i, 1, &half);
        ASSERT_EQ(half, written ? expected : 0) << width << " " << row << " " << i;
      }
    }
  }
}

TEST(RowKernelsTest, MixesAnyNumberOfParts) {
  for (const int parts : {1, 3, 4, 5, 9}) {
    std::vector<std::vector<float>> values;
    std::vector<RowsView> views;
    std::vector<float> shares;
    float expected = 0;
    for (int p = 0; p < parts; ++p) {
      values.push_back(std::vector<float>(300, static_cast<float>(p + 1)));
      shares.push_back(0.5f * static_cast<float>(p));
      expected += 0.5f * static_cast<float>(p * (p + 1));
    }
    for (auto& of_part : values) views.push_back(View(of_part, 300));
    std::vector<float> out(300, -1);
    MixRows(views, View(shares, parts), 0, 1, View(out, 300));
    EXPECT_THAT(out, testing::Each(FloatEq(expected))) << parts;
  }
}

TEST(RowKernelsTest, GatesOpenBetweenZeroAndTwo) {
  std::vector<float> x = {0, 100, -100, 1};
  OpenGates(View(x, 4), 1);
  EXPECT_THAT(x, ElementsAre(FloatEq(1), FloatEq(2), FloatNear(0, 1e-6f), FloatNear(2 / (1 + std::exp(-1.0f)), 1e-6f)));
}

TEST(RowKernelsTest, PairProductsAreThoseOfEveryTwoVectors) {
  std::vector<float> x = {1, 2, 3, 4, 5, 6, 99};  // (1,2), (3,4), (5,6), and another input
  std::vector<float> out(2);
  PairProducts(View(x, 7), 3, 1, View(out, 2));
  EXPECT_THAT(out, ElementsAre(FloatEq(1 * 3 + 1 * 5 + 3 * 5), FloatEq(2 * 4 + 2 * 6 + 4 * 6)));
}

TEST(RowKernelsTest, CrossAddsTheProductToWhatCameIn) {
  std::vector<float> x0 = {2, 3};
  std::vector<float> y = {10, 100};
  std::vector<float> x = {1, 1};
  std::vector<float> out(2);
  CrossRows(View(x0, 2), View(y, 2), View(x, 2), 1, View(out, 2));
  EXPECT_THAT(out, ElementsAre(21, 301));
}

TEST(RowKernelsTest, ConcatPutsColumnsSideBySideInEachRow) {
  std::vector<float> a = {1, 2};
  std::vector<float> b = {3, 4, 5, 6};
  std::vector<float> out(6);
  ConcatRows(View(a, 1), 1, View(b, 2), 2, View(out, 3));
  EXPECT_THAT(out, ElementsAre(1, 3, 4, 2, 5, 6));
}

TEST(RowKernelsTest, RowsMayBeWiderThanWhatIsTakenOfThem) {
  std::vector<float> wide = {1, 2, -9, 3, 4, -9};
  std::vector<float> narrow = {10, 20, 30, 40};
  std::vector<float> out(4);
  AddRows(View(wide, 3), View(narrow, 2), 2, View(out, 2));
  EXPECT_THAT(out, ElementsAre(11, 22, 33, 44));
  MultiplyRows(View(narrow, 2), View(wide, 3), 2, View(out, 2));
  EXPECT_THAT(out, ElementsAre(10, 40, 90, 160));
  CrossRows(View(wide, 3), View(narrow, 2), View(wide, 3), 2, View(out, 2));
  EXPECT_THAT(out, ElementsAre(11, 42, 93, 164));
  std::vector<float> all(8);
  ConcatRows(View(wide, 3), 2, View(narrow, 2), 2, View(all, 4));
  EXPECT_THAT(all, ElementsAre(1, 2, 10, 20, 3, 4, 30, 40));
  const std::vector<float> weights = {1, 100};
  const float bias = 0;
  std::vector<float> dots(2);
  DotRows(View(wide, 3), 2, weights.data(), &bias, 2, View(dots, 1));
  EXPECT_THAT(dots, ElementsAre(201, 403));
}

TEST(RowKernelsTest, ClearsColumnsOfSomeRows) {
  std::vector<float> x(12, std::numeric_limits<float>::quiet_NaN());
  for (const int at : {0, 1, 2, 3, 6, 9, 10, 11}) x[at] = static_cast<float>(at);
  ClearColumns(View(x, 3), 1, 1, 3);
  EXPECT_THAT(x, ElementsAre(0, 1, 2, 3, 0, 0, 6, 0, 0, 9, 10, 11));
  std::vector<BFloat16> halves(4, BFloat16{0xffff});
  ClearColumns({halves.data(), 2, true}, 1, 0, 1);
  EXPECT_EQ(halves[0].bits, 0xffff);
  EXPECT_EQ(halves[1].bits, 0);
  EXPECT_EQ(halves[2].bits, 0xffff);
}

TEST(RowKernelsTest, DotsAreOfEveryColumn) {
  std::vector<float> in(2 * 301);
  for (int i = 0; i < 301; ++i) in[i] = in[301 + i] = 1;
  in[301] = 3;
  const std::vector<float> weights(301, 2);
  const float bias = 0.5f;
  std::vector<float> out(2);
  DotRows(View(in, 301), 301, weights.data(), &bias, 2, View(out, 1));
  EXPECT_THAT(out, ElementsAre(602.5f, 606.5f));
}

TEST(RowKernelsTest, BFloat16RoundsToNearestEvenAndKeepsNan) {
  const std::vector<float> values = {1.0f,
                                     1.00390625f,
                                     1.01171875f,
                                     -3.14159f,
                                     std::numeric_limits<float>::infinity(),
                                     std::numeric_limits<float>::quiet_NaN()};
  std::vector<BFloat16> halves(values.size());
  const RowsView rows{halves.data(), static_cast<int>(values.size()), true};
  StoreColumns(values.data(), static_cast<int>(values.size()), rows, 0, 0);
  std::vector<float> back(values.size());
  LoadColumns(rows, 0, 0, static_cast<int>(values.size()), back.data());
  // 1 + 2^-8 lies between 1 and 1 + 2^-7, whose last bits are 0 and 1; 1 + 3 x 2^-8 between that and 1 + 2^-6.
  EXPECT_THAT(std::vector<float>(back.begin(), back.end() - 1),
              ElementsAre(1.0f, 1.0f, 1.015625f, -3.140625f, std::numeric_limits<float>::infinity()));
  EXPECT_TRUE(std::isnan(back.back()));
}

}  // namespace
}  // namespace polyscene
