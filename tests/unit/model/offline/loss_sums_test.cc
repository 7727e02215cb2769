#include "model/offline/loss_sums.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/model/offline/offline_fixture.h"

namespace polyscene {
namespace {

TEST(LossSumsTest, MeansAreOverRowsAndTheJointLossWeighsTasks) {
  const auto spec = OfflineModel();  // click with weight 1, kind with 0.5.
  LossSums sums(*spec);
  EXPECT_TRUE(std::isnan(sums.Joint()));
  std::vector<TaskLabels> labels(2);
  labels[0].weighted = 1;
  sums.Add({4.0, NAN}, labels);
  EXPECT_DOUBLE_EQ(sums.Joint(), 4.0);
  EXPECT_TRUE(std::isnan(sums.Means()[1]));
  labels[0].weighted = 3;
  labels[1].weighted = 2;
  sums.Add({8.0, 6.0}, labels);
  EXPECT_DOUBLE_EQ(sums.Means()[0], 7.0);  // (4 x 1 + 8 x 3) / 4
  EXPECT_DOUBLE_EQ(sums.Means()[1], 6.0);
  EXPECT_DOUBLE_EQ(sums.Joint(), 7.0 + 0.5 * 6.0);
}

}  // namespace
}  // namespace polyscene
