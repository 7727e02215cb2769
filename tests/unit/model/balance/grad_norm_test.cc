// GradNorm against its formulas.
#include "model/balance/grad_norm.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace polyscene {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

GradNorm Make(size_t tasks, double alpha, double rate, int every_steps = 1) {
  v1::GradNorm options;
  options.set_alpha(alpha);
  options.set_learning_rate(rate);
  options.set_every_steps(every_steps);
  return GradNorm(options, tasks);
}

// The weights that a gradient of (first, second) by their logarithms leaves, which sum to 2.
std::vector<double> Moved(double rate, double first, double second) {
  const double a = std::exp(-rate * first);
  const double b = std::exp(-rate * second);
  return {2 * a / (a + b), 2 * b / (a + b)};
}

TEST(GradNormTest, TheGradientIsThatOfTheDistanceToTheTargets) {
  const std::vector<double> norms = {3, 0.5, 8};
  const std::vector<double> slowness = {0.7, 1.2, 1.1};
  const std::vector<double> weights = {0.4, 1.5, 1.1};
  std::vector<double> weighted;
  double mean = 0;
  for (int i = 0; i < 3; ++i) {
    weighted.push_back(weights[i] * norms[i]);
    mean += weighted[i] / 3;
  }
  // Of sum |w g - target|, in units of the mean; the targets do not move.
  const auto distance = [&](int moved, double by) {
    double sum = 0;
    for (int i = 0; i < 3; ++i) {
      const double weight = i == moved ? std::exp(std::log(weights[i]) + by) : weights[i];
      sum += std::abs(weight * norms[i] - mean * std::pow(slowness[i], 1.5));
    }
    return sum / mean;
  };
  const std::vector<double> gradient = GradNormGradient(weighted, slowness, 1.5);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(gradient[i], (distance(i, 1e-6) - distance(i, -1e-6)) / 2e-6, 1e-6);
  }
}

TEST(GradNormTest, TheOneThatPullsHarderLosesWeight) {
  GradNorm balance = Make(2, 1.5, 0.1);
  balance.Update(1, {1.0, 1.0}, {3.0, 1.0});  // Mean 2: (+3 / 2, -1 / 2).
  const std::vector<double> expected = Moved(0.1, 1.5, -0.5);
  EXPECT_THAT(balance.Weights(), ElementsAre(DoubleNear(expected[0], 1e-12), DoubleNear(expected[1], 1e-12)));
}

TEST(GradNormTest, TheOneThatLearnsSlowerGainsWeight) {
  GradNorm balance = Make(2, 1, 0.1);
  balance.Update(1, {1.0, 4.0}, {1.0, 1.0});  // Its first losses. Norms are equal, so nothing moves.
  EXPECT_THAT(balance.Weights(), ElementsAre(1, 1));
  balance.Update(2, {0.5, 4.0}, {1.0, 1.0});  // Shares 0.5 and 1, slowness 2/3 and 4/3: too strong and too weak.
  const std::vector<double> expected = Moved(0.1, 1, -1);
  EXPECT_THAT(balance.Weights(), ElementsAre(DoubleNear(expected[0], 1e-12), DoubleNear(expected[1], 1e-12)));
}

TEST(GradNormTest, BringsTasksOfDifferentScaleToOneNorm) {
  GradNorm balance = Make(3, 1.5, 0.025);
  const std::vector<double> norms = {100, 1, 10};
  for (int step = 1; step <= 2'000; ++step) balance.Update(step, {1.0, 1.0, 1.0}, norms);
  const std::vector<double> weights = balance.Weights();
  EXPECT_NEAR(weights[0] * norms[0] / (weights[1] * norms[1]), 1, 0.1);
  EXPECT_NEAR(weights[2] * norms[2] / (weights[1] * norms[1]), 1, 0.1);
  EXPECT_NEAR(weights[0] + weights[1] + weights[2], 3, 1e-9);
}

TEST(GradNormTest, WhoHasNoGradientKeepsItsWeight) {
  GradNorm balance = Make(3, 1.5, 0.1);
  balance.Update(1, {1.0, kNone, 1.0}, {3.0, kNone, 1.0});
  EXPECT_EQ(balance.Weights()[1], 1);
  EXPECT_LT(balance.Weights()[0], 1);
  EXPECT_NEAR(balance.Weights()[0] + balance.Weights()[2], 2, 1e-12);
  const std::vector<double> before = balance.Weights();
  balance.Update(2, {1.0, kNone, kNone}, {3.0, kNone, kNone});  // One alone is not weighed against anything.
  EXPECT_EQ(balance.Weights(), before);
}

TEST(GradNormTest, MovesEverySoManyStepsByTheMeanLossSince) {
  GradNorm balance = Make(2, 1, 0.1, 2);
  EXPECT_FALSE(balance.TakesNorms(1));
  EXPECT_TRUE(balance.TakesNorms(2));
  balance.Update(1, {3.0, 1.0}, {});
  balance.Update(2, {1.0, 1.0}, {1.0, 1.0});  // First losses: 2 and 1.
  balance.Update(3, {0.0, 1.0}, {});          // A loss of 0 is none: the mean is that of the next alone.
  balance.Update(4, {2.0, 0.5}, {1.0, 1.0});  // Shares 1 and 0.75: the second is the faster one.
  const std::vector<double> expected = Moved(0.1, -1, 1);
  EXPECT_THAT(balance.Weights(), ElementsAre(DoubleNear(expected[0], 1e-12), DoubleNear(expected[1], 1e-12)));
}

}  // namespace
}  // namespace polyscene
