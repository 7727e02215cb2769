#include "client/status/sparkline.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene::cli {
namespace {

using ::testing::ElementsAre;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(SparklineTest, LevelsSpanTheSmallestToTheLargest) {
  EXPECT_EQ(Sparkline({0, 1, 2, 3, 4, 5, 6, 7}, 20, true), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(Sparkline({0, 1, 2, 3, 4, 5, 6, 7}, 20, false), "_.,-=+*#");
  EXPECT_EQ(Sparkline({0.7131, 0.7132}, 20, false), "_#");
}

TEST(SparklineTest, OneValueOrAllTheSameIsTheMiddle) {
  EXPECT_EQ(Sparkline({3}, 20, false), "-");
  EXPECT_EQ(Sparkline({3, 3, 3}, 20, false), "---");
}

TEST(SparklineTest, MoreValuesThanColumnsAreJoined) {
  EXPECT_EQ(Sparkline({0, 2, 7, 9}, 2, false), "_#");
  EXPECT_EQ(Sparkline({0, 0, 10, 10, 10}, 2, false), "_#");
}

TEST(SparklineTest, WhatIsNotANumberIsASpace) {
  EXPECT_EQ(Sparkline({0, kNan, 1}, 3, false), "_ #");
  EXPECT_EQ(Sparkline({kNan}, 3, false), " ");
  EXPECT_EQ(Sparkline({}, 3, false), "");
  EXPECT_EQ(Sparkline({1, 2}, 0, false), "");
}

TEST(HistoryTest, ValuesComeBackOldestFirstWithoutThoseThatAreNoNumber) {
  History history;
  for (const double value : {1.0, kNan, 3.0, 2.0}) history.Add(value);
  EXPECT_THAT(history.Values(), ElementsAre(1, 3, 2));
}

TEST(HistoryTest, BoundedItStillSpansAllTheTime) {
  History history;
  const int count = 100000;
  for (int i = 0; i <= count; ++i) history.Add(i);
  const std::vector<double> values = history.Values();
  EXPECT_LE(values.size(), History::kCapacity);
  EXPECT_GE(values.size(), History::kCapacity / 2);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
  EXPECT_LT(values.front(), count / 100);
  EXPECT_GT(values.back(), count - count / 100);
}

TEST(HistoryTest, ItBeginsToJoinOnceItIsFull) {
  History history;
  for (size_t i = 0; i < History::kCapacity; ++i) history.Add(static_cast<double>(i));
  EXPECT_EQ(history.Values().size(), History::kCapacity / 2);
  EXPECT_EQ(history.Values().front(), 0.5);
  history.Add(1000);
  EXPECT_EQ(history.Values().back(), 1000);  // The newest is seen at once.
}

}  // namespace
}  // namespace polyscene::cli
