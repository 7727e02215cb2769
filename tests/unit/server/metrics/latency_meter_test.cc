#include "server/metrics/latency_meter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

namespace polyscene {
namespace {

class LatencyMeterTest : public testing::Test {
 protected:
  void Record(absl::Duration took, int times) {
    for (int i = 0; i < times; ++i) meter_.Record(took);
  }

  LatencyMeter meter_{absl::Milliseconds(10)};
};

TEST_F(LatencyMeterTest, OnlyWhatIsAboveTheTargetIsSlow) {
  Record(absl::Milliseconds(10), 1);
  Record(absl::Milliseconds(10) + absl::Nanoseconds(1), 1);
  Record(absl::Milliseconds(1), 1);
  EXPECT_EQ(meter_.Read().requests(), 3);
  EXPECT_EQ(meter_.Read().slow(), 1);
}

TEST_F(LatencyMeterTest, WhateverTookAnyTimeIsCounted) {
  for (const absl::Duration took : {-absl::Seconds(1), absl::ZeroDuration(), absl::Nanoseconds(1), absl::Hours(1),
                                    absl::InfiniteDuration(), -absl::InfiniteDuration()}) {
    Record(took, 1);
  }
  EXPECT_EQ(meter_.Read().requests(), 6);
  EXPECT_EQ(meter_.Read().slow(), 2);
}

TEST_F(LatencyMeterTest, AQuantileIsTheUpperBoundOfItsBucket) {
  Record(absl::Milliseconds(5), 98);  // Half of the target is a bound, and 20 ms is another.
  Record(absl::Milliseconds(20), 2);
  EXPECT_EQ(meter_.Read().Quantile(0.5), 0.5);
  EXPECT_EQ(meter_.Read().Quantile(0.98), 0.5);
  EXPECT_EQ(meter_.Read().Quantile(0.99), 2);
  EXPECT_EQ(meter_.Read().Quantile(1), 2);
}

TEST_F(LatencyMeterTest, AQuantileIsOffByNoMoreThanABucket) {
  for (int microseconds = 50; microseconds < 2'000'000; microseconds += microseconds / 7) {
    const LatencyCounts before = meter_.Read();
    Record(absl::Microseconds(microseconds), 1);
    const double ratio = microseconds / 10'000.0;
    const double told = (meter_.Read() - before).Quantile(0.99);
    EXPECT_GE(told, ratio);
    EXPECT_LE(told, ratio * std::exp2(1.0 / LatencyCounts::kPerOctave) * (1 + 1e-12));
  }
}

TEST_F(LatencyMeterTest, WithoutRequestsThereIsNoQuantile) { EXPECT_EQ(meter_.Read().Quantile(0.99), 0); }

TEST_F(LatencyMeterTest, ADifferenceIsWhatCameBetween) {
  Record(absl::Milliseconds(20), 5);
  const LatencyCounts before = meter_.Read();
  Record(absl::Milliseconds(2), 3);
  EXPECT_EQ((meter_.Read() - before).requests(), 3);
  EXPECT_EQ((meter_.Read() - before).slow(), 0);
}

TEST_F(LatencyMeterTest, ThreadsRecordAtOnceAndNothingIsLost) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] { Record(absl::Milliseconds(8 + t), 5000); });
  }
  uint64_t seen = 0;
  while (seen < 20'000) {
    const uint64_t now = meter_.Read().requests();
    ASSERT_GE(now, seen);
    seen = now;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(meter_.Read().requests(), 20'000);
  EXPECT_EQ(meter_.Read().slow(), 5000);
}

}  // namespace
}  // namespace polyscene
