#include "model/evaluation/metric.h"

#include <cmath>

#include "gtest/gtest.h"

namespace polyscene {
namespace {

TEST(MetricTest, EachIsGoodInItsOwnDirection) {
  EXPECT_TRUE(IsBetter("auc", 0.7, 0.6));
  EXPECT_FALSE(IsBetter("auc", 0.6, 0.7));
  EXPECT_TRUE(IsBetter("ndcg@10", 0.5, 0.4));
  EXPECT_TRUE(IsBetter("log_loss", 0.3, 0.4));
  EXPECT_FALSE(IsBetter("mse", 0.4, 0.3));
  EXPECT_TRUE(IsBetter("pinball", 0.3, 0.4));
}

TEST(MetricTest, CalibrationIsBestAtOneOnEitherSide) {
  EXPECT_TRUE(IsBetter("calibration", 1.1, 0.9));  // ln 1.1 = 0.0953, -ln 0.9 = 0.1054.
  EXPECT_TRUE(IsBetter("calibration", 0.95, 1.2));
  EXPECT_TRUE(IsBetter("calibration", 2, 0));
  EXPECT_FALSE(IsBetter("calibration", 0, 2));
}

TEST(MetricTest, NothingIsBetterThanItsEqualOrNaNOrUnderAnUnknownName) {
  EXPECT_FALSE(IsBetter("auc", 0.5, 0.5));
  EXPECT_FALSE(IsBetter("auc", NAN, 0.5));
  EXPECT_FALSE(IsBetter("auc", 0.5, NAN));
  EXPECT_FALSE(IsBetter("rows", 2, 1));
  EXPECT_FALSE(IsBetter("rows", 1, 2));
}

}  // namespace
}  // namespace polyscene
