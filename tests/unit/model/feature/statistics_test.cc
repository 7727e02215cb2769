#include "model/feature/statistics.h"

#include <cmath>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene {
namespace {

RunningStatistics Over(std::initializer_list<double> values) {
  RunningStatistics statistics;
  for (const double value : values) statistics.Add(value);
  return statistics;
}

TEST(RunningStatisticsTest, FollowsCountMinMaxAndMean) {
  const RunningStatistics statistics = Over({2, -1, 5});

  EXPECT_EQ(statistics.count, 3);
  EXPECT_EQ(statistics.min, -1);
  EXPECT_EQ(statistics.max, 5);
  EXPECT_DOUBLE_EQ(statistics.mean, 2);
}

TEST(RunningStatisticsTest, TheDeviationIsThePopulations) {
  EXPECT_DOUBLE_EQ(Over({2, 4, 4, 4, 5, 5, 7, 9}).deviation(), 2);
}

TEST(RunningStatisticsTest, TheDeviationIsZeroBeforeTwoDifferentValues) {
  EXPECT_EQ(Over({}).deviation(), 0);
  EXPECT_EQ(Over({0.1, 0.1, 0.1}).deviation(), 0);
}

TEST(RunningStatisticsTest, KeepsItsDigitsFarFromZero) {
  EXPECT_NEAR(Over({1e9 + 1, 1e9 + 2, 1e9 + 3}).deviation(), std::sqrt(2.0 / 3), 1e-9);
}

FeatureStatistics TwoEntries() {
  FeatureStatistics statistics(2);
  statistics.entries[0] = Over({0.1, 0.2, 1e300});
  return statistics;
}

TEST(FeatureStatisticsTest, ARoundTripKeepsEveryBit) {
  const FeatureStatistics statistics = TwoEntries();

  const absl::StatusOr<FeatureStatistics> parsed = FeatureStatistics::Parse(statistics.Serialize());

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_EQ(parsed->entries.size(), 2);
  EXPECT_EQ(parsed->entries[0].count, 3);
  EXPECT_EQ(parsed->entries[0].mean, statistics.entries[0].mean);
  EXPECT_EQ(parsed->entries[0].m2, statistics.entries[0].m2);
  EXPECT_EQ(parsed->entries[1].min, std::numeric_limits<double>::infinity());
  EXPECT_EQ(parsed->Serialize(), statistics.Serialize());
}

TEST(FeatureStatisticsTest, NoEntriesRoundTrip) {
  const absl::StatusOr<FeatureStatistics> parsed = FeatureStatistics::Parse(FeatureStatistics().Serialize());

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(parsed->entries.empty());
}

TEST(FeatureStatisticsTest, BytesCutAnywhereAreDataLoss) {
  const std::string bytes = TwoEntries().Serialize();

  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_EQ(FeatureStatistics::Parse(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss)
        << "cut to " << size << " bytes";
  }
}

TEST(FeatureStatisticsTest, AnyChangedByteIsDataLoss) {
  const std::string bytes = TwoEntries().Serialize();

  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] ^= 0x01;
    ASSERT_EQ(FeatureStatistics::Parse(changed).status().code(), absl::StatusCode::kDataLoss)
        << "byte " << at << " changed";
  }
}

}  // namespace
}  // namespace polyscene
