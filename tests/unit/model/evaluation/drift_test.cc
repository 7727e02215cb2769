#include "model/evaluation/drift.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/model/evaluation/layouts.h"

namespace polyscene {
namespace {

class DriftTest : public ::testing::Test {
 protected:
  static DriftOptions Tiny(double threshold) { return {true, 0.125, threshold, 2}; }

  static DriftFigure Of(const DriftMonitor& monitor, const std::string& scene, const std::string& task) {
    for (const DriftFigure& figure : monitor.Figures()) {
      if (figure.scene == scene && figure.task == task) return figure;
    }
    ADD_FAILURE() << scene << " " << task << " is not watched";
    return {};
  }
  static DriftFigure Clicks(const DriftMonitor& monitor) { return Of(monitor, "search", "click"); }
};

// The log loss of a click that comes with probability `rate` where `predicted` was said.
double ClickLoss(std::mt19937_64& random, double rate, double predicted) {
  const bool click = static_cast<double>(random() >> 11) * 0x1p-53 < rate;
  return -std::log(click ? predicted : 1 - predicted);
}

TEST_F(DriftTest, SumsWhatLossesAreAboveTheirMeanInDeviations) {
  DriftMonitor monitor(ShopLayout(), Tiny(8));
  monitor.Add(kSearch, kClick, 0, 1);
  monitor.Add(kSearch, kClick, 2, 2);
  EXPECT_EQ(Clicks(monitor).level, 0);  // The first two tell what is usual.

  // Mean 5/3, variance 14/9.
  monitor.Add(kSearch, kClick, 3, 3);
  const double first = (4.0 / 3) / std::sqrt(14.0 / 9) - 0.125;
  EXPECT_NEAR(Clicks(monitor).level, first / 8, 1e-12);

  // Mean 3/2, variance 5/4.
  monitor.Add(kSearch, kClick, 1, 4);
  const double second = first - 0.5 / std::sqrt(1.25) - 0.125;
  EXPECT_NEAR(Clicks(monitor).level, second / 8, 1e-12);

  // Mean 6/5, variance 34/25: below its lowest, the sum begins anew.
  monitor.Add(kSearch, kClick, 0, 5);
  ASSERT_LT(second - 1.2 / std::sqrt(1.36) - 0.125, 0);
  EXPECT_EQ(Clicks(monitor).level, 0);
  EXPECT_EQ(Of(monitor, "feed", "click").level, 0);
}

TEST_F(DriftTest, AnAlarmTellsItsRowAndWhatComesAfterItIsTheNewUsual) {
  DriftMonitor monitor(ShopLayout(), Tiny(8));
  monitor.Add(kFeed, kSpend, 0, 100);
  monitor.Add(kFeed, kSpend, 2, 101);
  // Each is so far out that the n-th is about the root of n - 1 deviations: 1.4, 1.7, 2, 2.2, 2.4, less 0.125 each.
  double loss = 1e6;
  for (int row = 0; row < 4; ++row, loss *= 1e6) monitor.Add(kFeed, kSpend, loss, 102 + row);
  EXPECT_EQ(Of(monitor, "feed", "spend").alarms, 0);
  EXPECT_NEAR(Of(monitor, "feed", "spend").level, (std::sqrt(2) + std::sqrt(3) + 2 + std::sqrt(5) - 0.5) / 8, 1e-4);

  monitor.Add(kFeed, kSpend, loss, 106);
  EXPECT_EQ(Of(monitor, "feed", "spend").alarms, 1);
  EXPECT_EQ(Of(monitor, "feed", "spend").last_alarm_event_micros, 106);
  EXPECT_EQ(Of(monitor, "feed", "spend").level, 0);
  for (int row = 0; row < 20; ++row) monitor.Add(kFeed, kSpend, loss, 108);
  EXPECT_EQ(Of(monitor, "feed", "spend").alarms, 1);
}

TEST_F(DriftTest, NoRowCountsForMoreThanFiftyDeviations) {
  DriftMonitor monitor(ShopLayout(), DriftOptions());
  for (int row = 0; row < 10'000; ++row) monitor.Add(kFeed, kSpend, 1 + row % 2, row);
  const double before = Of(monitor, "feed", "spend").level;
  monitor.Add(kFeed, kSpend, 1e9, 10'000);  // A hundred.
  EXPECT_NEAR(Of(monitor, "feed", "spend").level - before, (50 - 0.05) / 200, 1e-9);
}

TEST_F(DriftTest, WhatIsNotWatchedDoesNotGoOnOverAGap) {
  DriftMonitor watched(ShopLayout(), Tiny(8));
  for (int row = 0; row < 10; ++row) watched.Add(kFeed, kSpend, row, row);
  DriftOptions none = Tiny(8);
  none.watch = false;
  DriftMonitor gap(ShopLayout(), none);
  ASSERT_TRUE(gap.Restore(watched.Serialize()).ok());
  EXPECT_EQ(gap.Serialize(), "");
}

TEST_F(DriftTest, AStreamThatStaysAsItIsRaisesNoAlarm) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 random(seed);
    std::exponential_distribution<double> error(1);
    DriftMonitor monitor(ShopLayout(), DriftOptions());
    double highest = 0;
    for (int row = 0; row < 200'000; ++row) {
      monitor.Add(kSearch, kClick, ClickLoss(random, 0.02, 0.02), row);
      monitor.Add(kSearch, kSpend, std::pow(error(random), 3), row);  // Squares of what has a long tail.
      if (row % 100 == 0) highest = std::max({highest, Clicks(monitor).level, Of(monitor, "search", "spend").level});
    }
    EXPECT_EQ(Clicks(monitor).alarms, 0) << "seed " << seed;
    EXPECT_EQ(Of(monitor, "search", "spend").alarms, 0) << "seed " << seed;
    EXPECT_LT(highest, 0.8) << "seed " << seed;
  }
}

TEST_F(DriftTest, AChangeIsFoundSoon) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 random(seed);
    DriftMonitor monitor(ShopLayout(), DriftOptions());
    for (int row = 0; row < 50'000; ++row) monitor.Add(kSearch, kClick, ClickLoss(random, 0.1, 0.1), row);
    ASSERT_EQ(Clicks(monitor).alarms, 0);
    int row = 50'000;  // The rate rises by half, a sixth of a deviation of the loss: 1,700 rows on average.
    while (row < 60'000 && Clicks(monitor).alarms == 0)
      monitor.Add(kSearch, kClick, ClickLoss(random, 0.15, 0.1), row++);
    EXPECT_LT(row, 54'000) << "seed " << seed;
    EXPECT_EQ(Clicks(monitor).last_alarm_event_micros, row - 1);
  }
}

TEST_F(DriftTest, AFallOfTheLossIsNoDrift) {
  std::mt19937_64 random(1);
  DriftMonitor monitor(ShopLayout(), DriftOptions());
  for (int row = 0; row < 100'000; ++row) {
    monitor.Add(kSearch, kClick, ClickLoss(random, 0.1, 0.1) * (1 + 1e4 / (1e3 + row)), row);
  }
  EXPECT_EQ(Clicks(monitor).alarms, 0);
}

TEST_F(DriftTest, SaveLoadContinueEqualsNoBreakToTheBit) {
  std::mt19937_64 random(3);
  DriftMonitor unbroken(ShopLayout(), Tiny(40));
  const auto feed = [&random](std::vector<DriftMonitor*> monitors, int rows, double rate) {
    for (int row = 0; row < rows; ++row) {
      const double loss = ClickLoss(random, rate, 0.2 + 0.2 * (random() % 2));
      for (DriftMonitor* monitor : monitors) monitor->Add(static_cast<int>(row % 2), kClick, loss, row);
    }
  };
  feed({&unbroken}, 777, 0.3);
  DriftMonitor continued(ShopLayout(), Tiny(40));
  ASSERT_TRUE(continued.Restore(unbroken.Serialize()).ok());
  feed({&unbroken, &continued}, 5000, 0.9);
  EXPECT_GT(Clicks(unbroken).alarms, 0);
  EXPECT_EQ(unbroken.Serialize(), continued.Serialize());
}

TEST_F(DriftTest, WhatHasTheNamesGoesOnInAnotherLayout) {
  DriftMonitor before(ShopLayout(), Tiny(8));
  for (const double loss : {0, 2, 3}) before.Add(kFeed, kSpend, loss, 5);
  EvaluationLayout layout;
  layout.scenes = {"home", "feed"};
  layout.tasks = {{"spend", EvaluatedKind::kRegression, 1, 1}};
  layout.scene_tasks = {{0}, {0}};
  DriftMonitor after(layout, Tiny(8));
  ASSERT_TRUE(after.Restore(before.Serialize()).ok());
  EXPECT_EQ(Of(after, "feed", "spend").level, Of(before, "feed", "spend").level);
  EXPECT_GT(Of(after, "feed", "spend").level, 0);
  EXPECT_EQ(Of(after, "home", "spend").level, 0);
}

TEST_F(DriftTest, BrokenBytesAreDataLossAndChangeNothing) {
  DriftMonitor monitor(ShopLayout(), Tiny(8));
  EXPECT_EQ(monitor.Serialize(), "");
  for (const double loss : {0, 2, 3}) monitor.Add(kSearch, kClick, loss, 5);
  const std::string good = monitor.Serialize();
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] ^= 1;
    EXPECT_EQ(monitor.Restore(bad).code(), absl::StatusCode::kDataLoss) << at;
    EXPECT_EQ(monitor.Restore(good.substr(0, at)).code(), absl::StatusCode::kDataLoss) << at;
  }
  EXPECT_EQ(monitor.Serialize(), good);
}

TEST_F(DriftTest, WatchesNothingWhereItIsNotToAndPassesOverWhatIsNotFinite) {
  DriftMonitor none(ShopLayout(), {.watch = false});
  none.Add(kSearch, kClick, 1, 1);
  EXPECT_TRUE(none.Figures().empty());
  EXPECT_EQ(none.Serialize(), "");
  DriftMonitor monitor(ShopLayout(), DriftOptions());
  EXPECT_EQ(monitor.Figures().size(), 7);
  monitor.Add(kSearch, kClick, std::numeric_limits<double>::quiet_NaN(), 1);
  monitor.Add(kSearch, kClick, std::numeric_limits<double>::infinity(), 1);
  EXPECT_EQ(monitor.Serialize(), "");
}

}  // namespace
}  // namespace polyscene
