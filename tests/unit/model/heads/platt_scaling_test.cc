// Two numbers behind the network that keep scores true: Platt scaling, by hand and on rows whose truth drifts.
#include "model/loss/platt_scaling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "absl/types/span.h"

namespace polyscene {
namespace {

using ::testing::DoubleNear;

double Sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

// Rows whose label is 1 with the probability sigmoid(slope x z + shift), z the logit that the network tells.
class Rows {
 public:
  std::vector<PlattScaling::Row> Draw(int count, double slope, double shift) {
    std::vector<PlattScaling::Row> rows;
    for (int i = 0; i < count; ++i) {
      const double z = 4 * Unit() - 3;
      rows.push_back({static_cast<float>(z), Unit() < Sigmoid(slope * z + shift), 1});
    }
    return rows;
  }

 private:
  double Unit() { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53; }
  std::mt19937_64 random_{1};
};

TEST(PlattScaling, StartsAsIfNotThere) {
  EXPECT_EQ(PlattScaling().a(), 1);
  EXPECT_EQ(PlattScaling().b(), 0);
}

// One positive row of logit 0: p = 1/2, curvature 1/4, gradient -1/2. With the prior's curvature of 1 for both:
// (1/4 + 1) b = 1/2.
TEST(PlattScaling, AStepByHand) {
  PlattScaling platt;
  const PlattScaling::Row row = {0, true, 1};
  platt.Fit(absl::MakeConstSpan(&row, 1), 100);
  EXPECT_THAT(platt.a(), DoubleNear(1, 1e-12));
  EXPECT_THAT(platt.b(), DoubleNear(0.4, 1e-12));
}

// z = 1/2, negative: p = sigmoid(1/2), g = p, h = p (1 - p); [h / 4 + 1, h / 2; h / 2, h + 1] (a - 1, b) = -g (1/2, 1).
TEST(PlattScaling, AStepOfBothNumbersByHand) {
  PlattScaling platt;
  const PlattScaling::Row row = {0.5f, false, 1};
  platt.Fit(absl::MakeConstSpan(&row, 1), 100);
  const double p = Sigmoid(0.5);
  const double step = -p / (1.25 * p * (1 - p) + 1);  // The gradient's direction is an eigenvector.
  EXPECT_THAT(platt.a(), DoubleNear(1 + step / 2, 1e-9));
  EXPECT_THAT(platt.b(), DoubleNear(step, 1e-9));
}

TEST(PlattScaling, FindsTheSlopeAndShiftOfTheTruth) {
  PlattScaling platt;
  Rows rows;
  for (int step = 0; step < 200; ++step) platt.Fit(rows.Draw(100, 0.6, -1.2), 1e6);
  EXPECT_THAT(platt.a(), DoubleNear(0.6, 0.06));
  EXPECT_THAT(platt.b(), DoubleNear(-1.2, 0.06));
}

TEST(PlattScaling, FollowsTheTruthAsItMoves) {
  PlattScaling platt;
  Rows rows;
  for (int step = 0; step < 200; ++step) platt.Fit(rows.Draw(100, 1, -1.5), 2000);
  EXPECT_THAT(platt.b(), DoubleNear(-1.5, 0.25));
  for (int step = 0; step < 100; ++step) platt.Fit(rows.Draw(100, 1, 1.5), 2000);  // Five half lives.
  EXPECT_THAT(platt.b(), DoubleNear(1.5, 0.25));
  EXPECT_THAT(platt.a(), DoubleNear(1, 0.25));
}

// After a half life of rows a row counts half of what the last one does.
TEST(PlattScaling, HalfALifeLaterARowCountsHalf) {
  const PlattScaling::Row positive = {0, true, 1};
  PlattScaling once;
  once.Fit(absl::MakeConstSpan(&positive, 1), 3);
  const double before = once.state()[4];  // The sum of curvatures.
  std::vector<PlattScaling::Row> taken;
  for (int i = 0; i < 3; ++i) taken.push_back({std::numeric_limits<float>::quiet_NaN(), true, 1});
  once.Fit(taken, 3);
  EXPECT_THAT(once.state()[4], DoubleNear(before / 2, 1e-12));
}

// As the learner takes a label back: the row once more with its weight below 0, and the true one.
TEST(PlattScaling, ACorrectionLeavesWhatTheTrueLabelWouldHave) {
  PlattScaling corrected;
  PlattScaling straight;
  const std::vector<PlattScaling::Row> wrong = {{-1, false, 1}, {1, true, 1}};
  const std::vector<PlattScaling::Row> right = {{-1, true, 1}, {1, true, 1}};
  const std::vector<PlattScaling::Row> correction = {{-1, false, -1}, {-1, true, 1}};
  for (int step = 0; step < 100; ++step) {
    corrected.Fit(wrong, 1e9);
    corrected.Fit(correction, 1e9);
    straight.Fit(right, 1e9);
  }
  EXPECT_THAT(corrected.a(), DoubleNear(straight.a(), 0.05));
  EXPECT_THAT(corrected.b(), DoubleNear(straight.b(), 0.05));
}

TEST(PlattScaling, NothingMakesItNonFinite) {
  PlattScaling platt;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<PlattScaling::Row> rows = {
      {kInfinity, false, 1}, {-kInfinity, true, 1e4f}, {std::numeric_limits<float>::quiet_NaN(), true, 1},
      {3e38f, false, 1e4f},  {0, true, -1e4f},         {16, true, -1}};
  for (int step = 0; step < 1000; ++step) {
    platt.Fit(absl::MakeConstSpan(&rows[step % rows.size()], 1), 10);
    for (const double number : platt.state()) ASSERT_TRUE(std::isfinite(number)) << step;
    ASSERT_GE(platt.a(), 0.1);
    ASSERT_LE(platt.a(), 10);
    ASSERT_LE(std::abs(platt.b()), 10);
  }
}

TEST(PlattScaling, RestoredItGoesOnToTheBit) {
  Rows rows;
  PlattScaling platt;
  platt.Fit(rows.Draw(50, 1, -1), 100);
  PlattScaling restored;
  restored.Restore(platt.state());
  const std::vector<PlattScaling::Row> more = rows.Draw(50, 1, -1);
  platt.Fit(more, 100);
  restored.Fit(more, 100);
  EXPECT_EQ(platt.state(), restored.state());
}

}  // namespace
}  // namespace polyscene
