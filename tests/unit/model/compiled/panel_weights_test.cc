#include "model/compiled/panel_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace polyscene {
namespace {

std::vector<float> Draw(std::mt19937_64& random, int count) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

class PanelWeightsTest : public testing::TestWithParam<PanelKernel> {
 protected:
  void SetUp() override {
    if (GetParam() > BestPanelKernel()) GTEST_SKIP() << "the processor does not have it";
  }
  PanelWeights Pack(const std::vector<float>& weights, int inputs) const {
    return {weights.data(), inputs, static_cast<int>(weights.size()) / inputs, GetParam()};
  }
};

TEST_P(PanelWeightsTest, EqualsSumsByHandWithinRounding) {
  std::mt19937_64 random(1);
  for (const int inputs : {1, 2, 33}) {
    for (const int outputs : {1, 3, 4, 8, 9, 15, 16, 17, 31, 32, 33, 48, 64, 70}) {
      const std::vector<float> weights = Draw(random, inputs * outputs);
      const PanelWeights packed = Pack(weights, inputs);
      const std::vector<float> bias = Draw(random, outputs);
      for (const int rows : {1, 2, 4, 5, 6, 7, 11, 12, 13, 25}) {
        SCOPED_TRACE(testing::Message() << rows << " rows, " << inputs << " inputs, " << outputs << " outputs");
        const bool relu = rows % 2 == 0;
        const bool with_bias = rows % 3 != 0;
        const std::vector<float> in = Draw(random, rows * inputs);
        std::vector<float> out(rows * outputs, -7);
        packed.Multiply(in.data(), rows, with_bias ? bias.data() : nullptr, relu, out.data());
        for (int r = 0; r < rows; ++r) {
          for (int o = 0; o < outputs; ++o) {
            double sum = with_bias ? bias[o] : 0;
            for (int i = 0; i < inputs; ++i) sum += double{in[r * inputs + i]} * weights[i * outputs + o];
            ASSERT_NEAR(out[r * outputs + o], relu ? std::max(0.0, sum) : sum, 2e-5) << "row " << r << ", " << o;
          }
        }
      }
    }
  }
}

TEST_P(PanelWeightsTest, GivesARowTheSameWhateverGoesWithIt) {
  constexpr int kRows = 60;
  constexpr int kInputs = 37;
  constexpr int kOutputs = 70;
  std::mt19937_64 random(2);
  const PanelWeights packed = Pack(Draw(random, kInputs * kOutputs), kInputs);
  const std::vector<float> bias = Draw(random, kOutputs);
  const std::vector<float> in = Draw(random, kRows * kInputs);
  std::vector<float> all(kRows * kOutputs);
  packed.Multiply(in.data(), kRows, bias.data(), /*relu=*/true, all.data());
  for (const int together : {1, 2, 5, 10, 20}) {
    std::vector<float> some(all.size());
    for (int first = 0; first < kRows; first += together) {
      packed.Multiply(&in[first * kInputs], together, bias.data(), /*relu=*/true, &some[first * kOutputs]);
    }
    EXPECT_EQ(some, all) << together << " rows at a time";
  }
}

TEST_P(PanelWeightsTest, LetsNaNThroughRelu) {
  const PanelWeights packed = Pack({1, -1, 2}, 1);
  const float in = std::nanf("");
  std::vector<float> out(3);
  packed.Multiply(&in, 1, nullptr, /*relu=*/true, out.data());
  for (const float value : out) EXPECT_TRUE(std::isnan(value));
}

TEST_P(PanelWeightsTest, StaysWhatItIsWhereItIsMoved) {
  std::vector<PanelWeights> moved;
  for (int i = 1; i < 20; ++i) moved.push_back(Pack({static_cast<float>(i), 0, 0}, 1));
  for (int i = 1; i < 20; ++i) {
    const float in = 2;
    std::vector<float> out(3);
    moved[i - 1].Multiply(&in, 1, nullptr, /*relu=*/false, out.data());
    EXPECT_EQ(out[0], static_cast<float>(2 * i));
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, PanelWeightsTest,
                         testing::Values(PanelKernel::kFour, PanelKernel::kAvx2, PanelKernel::kAvx512));

}  // namespace
}  // namespace polyscene
