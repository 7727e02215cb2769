// What was predicted beside what came.
#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/model/evaluation/layouts.h"

namespace polyscene {
namespace {

constexpr double kBin = 5e-4;  // What a prediction may move by, for it counts as the middle of its AUC bin.

class ReliabilityTest : public ::testing::Test {
 protected:
  void Click(int scene, float prediction, int rows, int positives) {
    for (int i = 0; i < rows; ++i) evaluation_.Add(scene, kClick, {prediction}, {i < positives ? 1.0f : 0.0f});
  }
  double Error(absl::string_view scene) {
    const std::vector<EvaluationFigure> figures = evaluation_.Figures();
    return Find(figures, scene, "click", "calibration_error")->value;
  }

  Evaluation evaluation_{ShopLayout()};
};

TEST_F(ReliabilityTest, AGroupIsItsMeanPredictionAndItsShareOfPositives) {
  Click(kSearch, 0.2f, 10, 3);
  Click(kFeed, 0.7f, 10, 5);
  const std::vector<ReliabilityBin> bins = evaluation_.Reliability(kClick);
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_NEAR(bins[0].predicted, 0.2, kBin);
  EXPECT_DOUBLE_EQ(bins[0].observed, 0.3);
  EXPECT_EQ(bins[0].rows, 10u);
  EXPECT_NEAR(bins[1].predicted, 0.7, kBin);
  EXPECT_DOUBLE_EQ(bins[1].observed, 0.5);
}

TEST_F(ReliabilityTest, TheErrorIsTheMeanDistanceOverRows) {
  Click(kSearch, 0.2f, 30, 9);
  Click(kSearch, 0.7f, 10, 5);
  EXPECT_NEAR(Error("search"), 0.75 * 0.1 + 0.25 * 0.2, kBin);
}

TEST_F(ReliabilityTest, ErrorsOfBothSignsDoNotCancelAsInCalibration) {
  Click(kSearch, 0.3f, 100, 10);
  Click(kSearch, 0.7f, 100, 90);
  EXPECT_NEAR(Error("search"), 0.2, kBin);
  const std::vector<EvaluationFigure> figures = evaluation_.Figures();
  EXPECT_NEAR(Find(figures, "search", "click", "calibration")->value, 1, 1e-6);
}

TEST_F(ReliabilityTest, GroupsAreOfAboutEqualRows) {
  for (int i = 0; i < 300; ++i) Click(kSearch, 0.01f + 0.003f * static_cast<float>(i), 1, i % 2);
  const std::vector<ReliabilityBin> bins = evaluation_.Reliability(kClick);
  ASSERT_EQ(bins.size(), 15u);
  for (size_t i = 0; i < bins.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(bins[i].rows), 20, 2);
    if (i > 0) {
      EXPECT_GT(bins[i].predicted, bins[i - 1].predicted);
    }
  }
}

TEST_F(ReliabilityTest, NoRowHasNoGroup) { EXPECT_TRUE(evaluation_.Reliability(kClick).empty()); }

}  // namespace
}  // namespace polyscene
