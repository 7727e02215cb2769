// Uncertainty weighting against its formula.
#include "model/balance/uncertainty_weights.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace polyscene {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

UncertaintyWeights Make(double rate, std::vector<double> factors) {
  v1::UncertaintyWeights options;
  options.set_learning_rate(rate);
  return UncertaintyWeights(options, std::move(factors));
}

TEST(UncertaintyWeightsTest, TheGradientIsThatOfTheLoss) {
  const auto loss = [](double factor, double loss, double s) { return factor * std::exp(-s) * loss + s / 2; };
  for (const double factor : {0.5, 1.0}) {
    for (const double value : {0.01, 0.7, 30.0}) {
      for (const double s : {-2.0, 0.0, 1.5}) {
        const double h = 1e-6;
        const double numeric = (loss(factor, value, s + h) - loss(factor, value, s - h)) / (2 * h);
        EXPECT_NEAR(UncertaintyGradient(factor, value, s), numeric, 1e-6 * std::max(1.0, std::abs(numeric)));
      }
    }
  }
}

TEST(UncertaintyWeightsTest, StartsAtTheLikelihoodsFactors) {
  TaskSpec click, spend, visits;
  spend.kind = visits.kind = TaskSpec::Kind::kRegression;
  visits.poisson = true;
  const UncertaintyWeights balance = Make(0.1, LikelihoodFactors({click, spend, visits}));
  EXPECT_THAT(balance.Weights(), ElementsAre(1, 0.5, 1));
}

TEST(UncertaintyWeightsTest, AFirstStepMovesSByTheRateTowardsItsLoss) {
  UncertaintyWeights balance = Make(0.1, {1, 1});
  balance.Update(1, {2.0, 0.1}, {});  // Gradients 0.5 - 2 and 0.5 - 0.1; Adam's first step is their sign.
  EXPECT_THAT(balance.Weights(), ElementsAre(DoubleNear(std::exp(-0.1), 1e-7), DoubleNear(std::exp(0.1), 1e-7)));
}

TEST(UncertaintyWeightsTest, SettlesWhereTheVarianceIsTheError) {
  UncertaintyWeights balance = Make(0.01, {0.5, 0.5, 1});
  for (int step = 1; step <= 5'000; ++step) balance.Update(step, {0.04, 1.0, 0.25}, {});
  // 1 / (2 x variance) of regressions: 12.5 and 0.5. Cross-entropy: exp(s) = 2 x 0.25.
  EXPECT_THAT(balance.Weights(), ElementsAre(DoubleNear(12.5, 0.1), DoubleNear(0.5, 0.005), DoubleNear(2, 0.02)));
}

TEST(UncertaintyWeightsTest, WhatHasNoLossStays) {
  UncertaintyWeights balance = Make(0.1, {1, 1, 1});
  balance.Update(1, {kNone, -3.0, 0.0}, {});
  EXPECT_THAT(balance.Weights(), ElementsAre(1, 1, 1));
}

TEST(UncertaintyWeightsTest, WeightsStayBoundedHoweverLossesAre) {
  UncertaintyWeights balance = Make(1, {1, 1});
  for (int step = 1; step <= 1'000; ++step) balance.Update(step, {1e-12, 1e12}, {});
  EXPECT_LE(balance.Weights()[0], 1.01e4);
  EXPECT_GE(balance.Weights()[1], 0.99e-4);
}

}  // namespace
}  // namespace polyscene
