#include "server/batching/batch_cost.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace polyscene {
namespace {

// Batches of many sizes that cost what a machine of such costs takes.
class BatchCostTest : public ::testing::Test {
 protected:
  void Score(double fixed_us, double row_us, int batches, double noise = 0) {
    std::lognormal_distribution<double> factor(0, noise);
    for (int i = 0; i < batches; ++i) {
      const int64_t rows = std::uniform_int_distribution<int64_t>(1, 200)(random_);
      cost_.Observe(rows, absl::Microseconds((fixed_us + row_us * static_cast<double>(rows)) * factor(random_)));
    }
  }
  double fixed_us() const { return absl::ToDoubleMicroseconds(cost_.fixed()); }
  double row_us() const { return absl::ToDoubleMicroseconds(cost_.per_row()); }

  std::mt19937 random_{7};
  BatchCost cost_;
};

TEST_F(BatchCostTest, LearnsBothCosts) {
  Score(120, 15, 200);
  EXPECT_NEAR(fixed_us(), 120, 1);
  EXPECT_NEAR(row_us(), 15, 0.1);
}

TEST_F(BatchCostTest, LimitsRowsToWhereTheFixedPartIsATwentieth) {
  Score(120, 15, 200);
  const auto limit = static_cast<double>(cost_.RowLimit(1, 1'000'000));
  EXPECT_NEAR(limit, 152, 2);  // 120 of 2,400.
  EXPECT_NEAR(fixed_us() / (fixed_us() + row_us() * limit), BatchCost::kFixedShare, 1e-3);
}

TEST_F(BatchCostTest, KeepsTheLimitWithinItsBounds) {
  Score(120, 15, 200);
  EXPECT_EQ(cost_.RowLimit(200, 1024), 200);
  EXPECT_EQ(cost_.RowLimit(1, 100), 100);
  EXPECT_EQ(cost_.RowLimit(200, 100), 100);
  EXPECT_EQ(cost_.RowLimit(0, 0), 1);
}

TEST_F(BatchCostTest, FollowsAChangeOfCost) {
  Score(120, 15, 1000);
  Score(600, 5, 1500);
  EXPECT_NEAR(fixed_us(), 600, 20);
  EXPECT_NEAR(row_us(), 5, 0.3);
  EXPECT_NEAR(static_cast<double>(cost_.RowLimit(1, 1'000'000)), 2280, 150);
}

TEST_F(BatchCostTest, FollowsAHundredfoldChange) {
  Score(120, 15, 1000);
  Score(12'000, 1'500, 3000);
  EXPECT_NEAR(row_us(), 1500, 30);
  Score(120, 15, 3000);
  EXPECT_NEAR(row_us(), 15, 0.3);
}

TEST_F(BatchCostTest, IsNearDespiteNoise) {
  Score(120, 15, 2000, /*noise=*/0.15);
  EXPECT_NEAR(row_us(), 15, 1.5);
  EXPECT_NEAR(fixed_us(), 120, 40);
}

TEST_F(BatchCostTest, OneBatchThatTookASecondMovesLittle) {
  Score(120, 15, 1000);
  cost_.Observe(100, absl::Seconds(1));
  EXPECT_NEAR(row_us(), 15, 1);
  EXPECT_NEAR(fixed_us(), 120, 24);
}

TEST_F(BatchCostTest, BatchesOfOneSizeAreDividedByTheFirstGuess) {
  for (int i = 0; i < 1000; ++i) cost_.Observe(92, absl::Milliseconds(1));
  EXPECT_NEAR(row_us(), 10, 0.01);
  EXPECT_NEAR(fixed_us(), 10 * BatchCost::kRowsOfFixed, 0.1);
}

TEST_F(BatchCostTest, CostsAreNeverNegative) {
  Score(0, 10, 500, /*noise=*/0.5);
  EXPECT_GE(fixed_us(), 0);
  EXPECT_GT(row_us(), 0);
  BatchCost shrinking;  // More rows take less.
  for (int64_t rows = 1; rows <= 200; ++rows) shrinking.Observe(rows, absl::Microseconds(1000 - 4 * rows));
  EXPECT_EQ(shrinking.per_row(), absl::ZeroDuration());
  EXPECT_GT(shrinking.fixed(), absl::ZeroDuration());
  EXPECT_EQ(shrinking.RowLimit(1, 5000), 5000);
}

TEST_F(BatchCostTest, LearnsNothingFromAClockThatWasSetBack) {
  cost_.Observe(10, absl::Seconds(-3600));
  cost_.Observe(10, absl::ZeroDuration());
  EXPECT_EQ(cost_.per_row(), absl::ZeroDuration());
  EXPECT_EQ(cost_.RowLimit(1, 1024), 152);  // As before anything was measured.
}

TEST_F(BatchCostTest, TellsHowLongABacklogTakes) {
  EXPECT_EQ(cost_.Backlog(1000, 100, 1), absl::ZeroDuration());
  Score(120, 15, 500);
  // Ten batches of 120 + 1,500 microseconds, by two workers.
  EXPECT_NEAR(absl::ToDoubleMicroseconds(cost_.Backlog(1000, 100, 2)), 8100, 80);
}

}  // namespace
}  // namespace polyscene
