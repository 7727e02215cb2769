#include "model/evaluation/fading_evaluation.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/model/evaluation/layouts.h"

namespace polyscene {
namespace {

class FadingEvaluationTest : public ::testing::Test {
 protected:
  static EvaluationFigure Of(const FadingEvaluation& fading, absl::string_view scene, absl::string_view task,
                             absl::string_view metric) {
    const std::vector<EvaluationFigure> figures = fading.Figures();
    const EvaluationFigure* const figure = Find(figures, scene, task, metric);
    if (figure != nullptr) return *figure;
    return {"none", "none", "none", std::numeric_limits<double>::quiet_NaN(), 0};
  }

  // A row whose squared error is `error` x `error`.
  static void Spend(FadingEvaluation& fading, int scene, float error) { fading.Add(scene, kSpend, {error}, {0.0f}); }

  FadingEvaluation halving_{ShopLayout(), 1};  // Each row counts half of the one after it.
};

TEST_F(FadingEvaluationTest, EachRowCountsHalfOfTheOneThatComesAHalfLifeLater) {
  Spend(halving_, kSearch, 2);
  EXPECT_EQ(Of(halving_, "search", "spend", "mse").value, 4);  // The first row is the figure: it begins at no zero.
  Spend(halving_, kSearch, 1);
  EXPECT_DOUBLE_EQ(Of(halving_, "search", "spend", "mse").value, (0.5 * 4 + 1) / 1.5);
  Spend(halving_, kSearch, 3);
  EXPECT_DOUBLE_EQ(Of(halving_, "search", "spend", "mse").value, (0.25 * 4 + 0.5 * 1 + 9) / 1.75);
  EXPECT_DOUBLE_EQ(Of(halving_, "search", "spend", "mae").value, (0.25 * 2 + 0.5 * 1 + 3) / 1.75);

  FadingEvaluation slower(ShopLayout(), 8);
  Spend(slower, kSearch, 1);
  for (int row = 0; row < 8; ++row) Spend(slower, kSearch, 0);
  const double share = std::exp2(-1.0 / 8);
  EXPECT_NEAR(Of(slower, "search", "spend", "mse").value, 0.5 / ((1 - std::pow(share, 9)) / (1 - share)), 1e-15);
}

TEST_F(FadingEvaluationTest, OfClicksByHand) {
  halving_.Add(kSearch, kClick, {0.5f}, {1.0f});
  halving_.Add(kSearch, kClick, {0.75f}, {0.0f});
  EXPECT_DOUBLE_EQ(Of(halving_, "search", "click", "log_loss").value, (0.5 * std::log(2) + std::log(4)) / 1.5);
  EXPECT_DOUBLE_EQ(Of(halving_, "search", "click", "accuracy").value, 0.5 / 1.5);
  EXPECT_DOUBLE_EQ(Of(halving_, "search", "click", "calibration").value, (0.5 * 0.5 + 0.75) / 0.5);
  const double entropy = -std::log(1.0 / 3) / 3 - 2 * std::log(2.0 / 3) / 3;  // A third of what counts is a click.
  EXPECT_DOUBLE_EQ(Of(halving_, "search", "click", "normalized_entropy").value,
                   (0.5 * std::log(2) + std::log(4)) / 1.5 / entropy);
  EXPECT_EQ(Of(halving_, "search", "click", "auc").scene, "none");
  EXPECT_EQ(Of(halving_, "search", "click", "calibration_error").scene, "none");
}

TEST_F(FadingEvaluationTest, OfClassesAndForecastsByHand) {
  halving_.Add(kSearch, kCategory, {0.5f, 0.25f, 0.25f}, {0.0f});
  halving_.Add(kSearch, kCategory, {0.5f, 0.25f, 0.25f}, {2.0f});
  EXPECT_DOUBLE_EQ(Of(halving_, "search", "category", "log_loss").value, (0.5 * std::log(2) + std::log(4)) / 1.5);
  EXPECT_DOUBLE_EQ(Of(halving_, "search", "category", "accuracy").value, 0.5 / 1.5);

  // Labels 0 and 2 with weights 1/2 and 1: their mean is 4/3, the squared deviations from it sum to 8/9 + 4/9.
  halving_.Add(kFeed, kDemand, {1, 5}, {0, 5});
  halving_.Add(kFeed, kDemand, {1, 5}, {2, 5});
  EXPECT_NEAR(Of(halving_, "feed", "demand[0]", "r2").value, 1 - 1.5 / (4.0 / 3), 1e-15);
  EXPECT_EQ(Of(halving_, "feed", "demand[1]", "mse").value, 0);
}

TEST_F(FadingEvaluationTest, OfQuantilesByHand) {
  EvaluationLayout layout;
  layout.scenes = {"feed"};
  layout.tasks = {{"eta", EvaluatedKind::kRegression, 1, 1, 0.75}};
  layout.scene_tasks = {{0}};
  FadingEvaluation fading(layout, 1);
  fading.Add(0, 0, {3}, {1});  // Two above: a quarter of that.
  fading.Add(0, 0, {1}, {2});  // One below: three quarters of it.
  EXPECT_DOUBLE_EQ(Of(fading, "feed", "eta", "pinball").value, (0.5 * 0.5 + 0.75) / 1.5);
  EXPECT_DOUBLE_EQ(Of(fading, "feed", "eta", "coverage").value, 0.5 / 1.5);
}

TEST_F(FadingEvaluationTest, RowsAreWhatTheyCountTogether) {
  FadingEvaluation fading(ShopLayout(), 1000);
  for (int row = 0; row < 10; ++row) Spend(fading, kSearch, 1);
  EXPECT_EQ(Of(fading, "search", "spend", "mse").rows, 10);
  for (int row = 0; row < 20'000; ++row) Spend(fading, kSearch, 1);
  EXPECT_EQ(Of(fading, "search", "spend", "mse").rows, 1443);  // 1 / (1 - 2^-0.001)
  EXPECT_NEAR(Of(fading, "search", "spend", "mse").value, 1, 1e-12);
}

TEST_F(FadingEvaluationTest, ABusySceneDoesNotPushAQuietOneOut) {
  Spend(halving_, kFeed, 2);
  for (int row = 0; row < 100; ++row) Spend(halving_, kSearch, 1);
  EXPECT_EQ(Of(halving_, "feed", "spend", "mse").value, 4);
  EXPECT_DOUBLE_EQ(Of(halving_, "*", "spend", "mse").value, (4.0 + 2) / 3);  // Search counts two rows by now.
}

TEST_F(FadingEvaluationTest, ARowThatIsNotFiniteIsPassedOver) {
  Spend(halving_, kSearch, 2);
  Spend(halving_, kSearch, std::numeric_limits<float>::quiet_NaN());
  halving_.Add(kSearch, kDemand, {1, std::numeric_limits<float>::infinity()}, {1, 1});
  EXPECT_EQ(Of(halving_, "search", "spend", "mse").value, 4);
  EXPECT_EQ(Of(halving_, "search", "spend", "mse").rows, 1);
  EXPECT_EQ(Of(halving_, "search", "demand[0]", "mse").scene, "none");
}

class SavedFadingEvaluationTest : public FadingEvaluationTest {
 protected:
  // One row of every task of both scenes.
  static void Feed(FadingEvaluation& fading, int row) {
    const float p = 0.25f + 0.5f * static_cast<float>(row % 7) / 7;
    for (const int scene : {kSearch, kFeed}) {
      fading.Add(scene, kClick, {p}, {row % 3 == 0 ? 1.0f : 0.0f});
      fading.Add(scene, kSpend, {p}, {static_cast<float>(row % 5)});
      fading.Add(scene, kDemand, {p, 1 - p}, {static_cast<float>(row % 5), 1});
    }
    fading.Add(kSearch, kCategory, {p, 1 - p, 0}, {static_cast<float>(row % 3)});
  }
};

TEST_F(SavedFadingEvaluationTest, SaveLoadContinueEqualsNoBreakToTheBit) {
  FadingEvaluation unbroken(ShopLayout(), 50);
  for (int row = 0; row < 123; ++row) Feed(unbroken, row);
  FadingEvaluation continued(ShopLayout(), 50);
  ASSERT_TRUE(continued.Restore(unbroken.Serialize()).ok());
  for (int row = 0; row < 77; ++row) Feed(unbroken, row);
  for (int row = 0; row < 77; ++row) Feed(continued, row);
  EXPECT_EQ(continued.Serialize(), unbroken.Serialize());
}

TEST_F(SavedFadingEvaluationTest, WhatHasTheNamesAndTheKindGoesOnInAnotherLayout) {
  for (int row = 0; row < 9; ++row) Feed(halving_, row);
  EvaluationLayout layout;
  layout.scenes = {"home", "feed"};
  layout.tasks = {{"spend", EvaluatedKind::kRegression, 1, 1}, {"click", EvaluatedKind::kMultiClass, 2, 1}};
  layout.scene_tasks = {{0}, {0, 1}};
  FadingEvaluation after(layout, 1);
  ASSERT_TRUE(after.Restore(halving_.Serialize()).ok());
  EXPECT_EQ(Of(after, "feed", "spend", "mse").value, Of(halving_, "feed", "spend", "mse").value);
  EXPECT_EQ(after.Figures().size(), 6);  // And over all scenes.
}

TEST_F(SavedFadingEvaluationTest, ATaskIsForgottenInEveryScene) {
  Feed(halving_, 1);
  const size_t before = halving_.Figures().size();
  halving_.Forget(kSpend);
  EXPECT_EQ(halving_.Figures().size(), before - 9);  // Three metrics of two scenes and all.
  EXPECT_EQ(Of(halving_, "*", "spend", "mse").scene, "none");
}

TEST_F(SavedFadingEvaluationTest, BrokenBytesAreDataLossAndChangeNothing) {
  EXPECT_EQ(halving_.Serialize(), "");
  Feed(halving_, 1);
  const std::string good = halving_.Serialize();
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] ^= 1;
    EXPECT_EQ(halving_.Restore(bad).code(), absl::StatusCode::kDataLoss) << at;
    EXPECT_EQ(halving_.Restore(good.substr(0, at)).code(), absl::StatusCode::kDataLoss) << at;
  }
  EXPECT_EQ(halving_.Serialize(), good);
}

}  // namespace
}  // namespace polyscene
