#include "client/status/histogram.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/status/statuses.h"

namespace polyscene::cli {
namespace {

using ::testing::ElementsAre;

TEST(HistogramTest, AQuantileIsLinearWithinItsBin) {
  const v1::Histogram histogram = HistogramOf({1, 2, 4}, {10, 0, 10, 0});
  EXPECT_DOUBLE_EQ(HistogramQuantile(histogram, 0.25).value, 0.5);
  EXPECT_DOUBLE_EQ(HistogramQuantile(histogram, 0.5).value, 1);
  EXPECT_DOUBLE_EQ(HistogramQuantile(histogram, 0.75).value, 3);
  EXPECT_DOUBLE_EQ(HistogramQuantile(histogram, 1).value, 4);
  EXPECT_DOUBLE_EQ(HistogramQuantile(histogram, 0).value, 0);
  EXPECT_FALSE(HistogramQuantile(histogram, 1).beyond);
}

TEST(HistogramTest, AQuantileBeyondTheLastBoundIsMarked) {
  const QuantileValue p99 = HistogramQuantile(HistogramOf({1, 2.5}, {1, 0, 9}), 0.99);
  EXPECT_DOUBLE_EQ(p99.value, 2.5);
  EXPECT_TRUE(p99.beyond);
  EXPECT_EQ(ReadableQuantile(p99), ">2.5 s");
}

TEST(HistogramTest, WithoutValuesThereIsNoQuantile) {
  EXPECT_TRUE(std::isnan(HistogramQuantile(HistogramOf({1, 2}, {0, 0, 0}), 0.5).value));
  EXPECT_TRUE(std::isnan(HistogramQuantile(v1::Histogram(), 0.5).value));
  EXPECT_TRUE(std::isnan(HistogramQuantile(HistogramOf({1, 2}, {7}), 0.5).value));  // Not a histogram.
  EXPECT_EQ(ReadableQuantile(HistogramQuantile(v1::Histogram(), 0.5)), "-");
}

TEST(HistogramTest, TheDifferenceHasWhatCameInBetween) {
  const v1::Histogram since = HistogramSince(HistogramOf({1, 2}, {5, 7, 1}), HistogramOf({1, 2}, {5, 4, 0}));
  EXPECT_THAT(since.counts(), ElementsAre(0, 3, 1));
}

TEST(HistogramTest, WhatBeganAgainIsNewAsAWhole) {
  EXPECT_THAT(HistogramSince(HistogramOf({1, 2}, {5, 0, 0}), HistogramOf({1, 2}, {6, 0, 0})).counts(),
              ElementsAre(5, 0, 0));
  EXPECT_THAT(HistogramSince(HistogramOf({1, 2}, {5, 0, 0}), HistogramOf({1, 3}, {1, 0, 0})).counts(),
              ElementsAre(5, 0, 0));
}

TEST(HistogramTest, SumsAreTakenOverTheSameBoundsAlone) {
  v1::Histogram sum;
  AddHistogram(HistogramOf({1, 2}, {1, 2, 3}), sum);
  AddHistogram(HistogramOf({1, 2}, {1, 0, 0}), sum);
  AddHistogram(HistogramOf({7}, {9, 9}), sum);
  EXPECT_THAT(sum.counts(), ElementsAre(2, 2, 3));
  EXPECT_EQ(HistogramCount(sum), 7u);
}

TEST(ReadableQuantileTest, ThreeDigitsAndAUnit) {
  const auto readable = [](double seconds) { return ReadableQuantile({seconds, false}); };
  EXPECT_EQ(readable(0), "0 us");
  EXPECT_EQ(readable(0.000085), "85 us");
  EXPECT_EQ(readable(0.00099949), "999 us");
  EXPECT_EQ(readable(0.0009996), "1.00 ms");
  EXPECT_EQ(readable(0.00123), "1.23 ms");
  EXPECT_EQ(readable(0.0123), "12.3 ms");
  EXPECT_EQ(readable(0.123), "123 ms");
  EXPECT_EQ(readable(1.234), "1.23 s");
  EXPECT_EQ(readable(1800), "1800 s");
}

}  // namespace
}  // namespace polyscene::cli
