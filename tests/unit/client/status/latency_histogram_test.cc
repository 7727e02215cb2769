#include "client/status/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace polyscene::cli {
namespace {

TEST(LatencyHistogramTest, QuantilesAreWithinHalfAPercentOfTheExactOnes) {
  std::mt19937_64 random(7);
  // From 100 nanoseconds to 100 seconds, a few of them far out.
  std::lognormal_distribution<double> latencies(std::log(2e6), 2.5);
  LatencyHistogram histogram;
  std::vector<double> exact;
  for (int i = 0; i < 100'000; ++i) {
    const double nanoseconds = std::floor(std::clamp(latencies(random), 100.0, 1e11));
    histogram.Record(absl::Nanoseconds(nanoseconds));
    exact.push_back(nanoseconds * 1e-9);
  }
  std::sort(exact.begin(), exact.end());
  for (const double q : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const auto rank = static_cast<size_t>(std::max(1.0, std::ceil(q * static_cast<double>(exact.size()))));
    EXPECT_NEAR(histogram.QuantileSeconds(q) / exact[rank - 1], 1, 0.005) << q;
  }
  EXPECT_DOUBLE_EQ(absl::ToDoubleSeconds(histogram.max()), exact.back());
}

TEST(LatencyHistogramTest, MeanAndMaximumAreExact) {
  LatencyHistogram histogram;
  for (const int milliseconds : {1, 2, 9}) histogram.Record(absl::Milliseconds(milliseconds));
  EXPECT_DOUBLE_EQ(histogram.MeanSeconds(), 0.004);
  EXPECT_EQ(histogram.max(), absl::Milliseconds(9));
  EXPECT_EQ(histogram.count(), 3);
}

TEST(LatencyHistogramTest, NoQuantileIsAboveTheMaximum) {
  LatencyHistogram histogram;
  histogram.Record(absl::Nanoseconds(1'000'001));
  EXPECT_DOUBLE_EQ(histogram.QuantileSeconds(1), 1.000001e-3);  // Whose bin goes on to 1.0035 ms.
}

TEST(LatencyHistogramTest, HasNoFigureOfNothing) {
  const LatencyHistogram histogram;
  EXPECT_TRUE(std::isnan(histogram.QuantileSeconds(0.5)));
  EXPECT_TRUE(std::isnan(histogram.MeanSeconds()));
}

TEST(LatencyHistogramTest, TakesEveryLatencyThereIs) {
  LatencyHistogram histogram;
  histogram.Record(absl::Seconds(-1));  // A clock that went back.
  histogram.Record(absl::InfiniteDuration());
  histogram.Record(absl::Nanoseconds(127));
  histogram.Record(absl::Nanoseconds(128));
  EXPECT_EQ(histogram.count(), 4);
  EXPECT_EQ(histogram.QuantileSeconds(0.25), 0);
  EXPECT_DOUBLE_EQ(histogram.QuantileSeconds(0.5), 127e-9);
}

}  // namespace
}  // namespace polyscene::cli
