#include "model/evaluation/evaluation.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/model/evaluation/layouts.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;

class EvaluationTest : public ::testing::Test {
 protected:
  void Click(int scene, float prediction, float label) { evaluation_.Add(scene, kClick, {prediction}, {label}); }

  double Value(absl::string_view scene, absl::string_view task, absl::string_view metric) {
    const std::vector<EvaluationFigure> figures = evaluation_.Figures();
    const EvaluationFigure* figure = Find(figures, scene, task, metric);
    if (figure == nullptr) {
      ADD_FAILURE() << "no figure " << scene << " " << task << " " << metric;
      return 0;
    }
    return figure->value;
  }

  Evaluation evaluation_{ShopLayout()};
};

TEST_F(EvaluationTest, HasNoFigureOfACellThatSawNoRow) {
  Click(kFeed, 0.5f, 1);

  for (const EvaluationFigure& figure : evaluation_.Figures()) {
    EXPECT_EQ(figure.task, "click");
    EXPECT_NE(figure.scene, "search");
  }
}

TEST_F(EvaluationTest, TellsScenesInTheLayoutsOrderAndThenAllTogether) {
  Click(kFeed, 0.5f, 1);
  Click(kSearch, 0.5f, 1);

  std::vector<std::string> scenes;
  for (const EvaluationFigure& figure : evaluation_.Figures()) {
    if (figure.metric == "auc") scenes.push_back(figure.scene);
  }

  EXPECT_THAT(scenes, ElementsAre("search", "feed", "*"));
}

TEST_F(EvaluationTest, AucIsTheShareOfPairsInTheRightOrder) {
  Click(kSearch, 0.1f, 0);
  Click(kSearch, 0.4f, 0);
  Click(kSearch, 0.3f, 1);
  Click(kSearch, 0.9f, 1);

  EXPECT_DOUBLE_EQ(Value("search", "click", "auc"), 0.75);  // 0.3 is above 0.1 alone, 0.9 above both: 3 of 4.
}

TEST_F(EvaluationTest, AucCountsATieAsHalf) {
  Click(kSearch, 0.4f, 0);
  Click(kSearch, 0.4f, 1);
  Click(kSearch, 0.8f, 1);

  EXPECT_DOUBLE_EQ(Value("search", "click", "auc"), 0.75);  // (1/2 + 1) of 2 pairs.
}

TEST_F(EvaluationTest, AucOfOneClassIsUndefined) {
  Click(kSearch, 0.4f, 1);

  EXPECT_TRUE(std::isnan(Value("search", "click", "auc")));
}

TEST_F(EvaluationTest, LogLossIsTheMeanNegativeLogProbabilityOfTheLabel) {
  Click(kSearch, 0.25f, 0);
  Click(kSearch, 0.5f, 1);

  EXPECT_NEAR(Value("search", "click", "log_loss"), (-std::log(0.75) - std::log(0.5)) / 2, 1e-12);
}

TEST_F(EvaluationTest, LogLossOfASureAndWrongAnswerIsSixteen) {
  Click(kSearch, 0.0f, 1);
  Click(kSearch, 1.0f, 0);

  EXPECT_NEAR(Value("search", "click", "log_loss"), 16, 1e-6);
}

TEST_F(EvaluationTest, AccuracyOfABinaryTaskCutsAtAHalf) {
  Click(kSearch, 0.5f, 1);
  Click(kSearch, 0.49f, 1);
  Click(kSearch, 0.49f, 0);
  Click(kSearch, 0.9f, 0);

  EXPECT_DOUBLE_EQ(Value("search", "click", "accuracy"), 0.5);
}

TEST_F(EvaluationTest, CalibrationIsPredictionsOverPositives) {
  Click(kSearch, 0.75f, 1);
  Click(kSearch, 0.25f, 0);
  Click(kSearch, 0.5f, 1);

  EXPECT_DOUBLE_EQ(Value("search", "click", "calibration"), 0.75);
}

TEST_F(EvaluationTest, CalibrationWithoutAPositiveIsUndefined) {
  Click(kSearch, 0.75f, 0);

  EXPECT_TRUE(std::isnan(Value("search", "click", "calibration")));
}

TEST_F(EvaluationTest, NormalizedEntropyIsLogLossOverTheBaseRatesEntropy) {
  for (const float label : {1.0f, 0.0f, 0.0f, 0.0f}) Click(kSearch, 0.5f, label);

  const double entropy = -0.25 * std::log(0.25) - 0.75 * std::log(0.75);
  EXPECT_NEAR(Value("search", "click", "normalized_entropy"), std::log(2) / entropy, 1e-12);
}

TEST_F(EvaluationTest, NormalizedEntropyOfTheBaseRateItselfIsOne) {
  for (const float label : {1.0f, 0.0f, 0.0f, 0.0f}) Click(kSearch, 0.25f, label);

  EXPECT_NEAR(Value("search", "click", "normalized_entropy"), 1, 1e-12);
}

TEST_F(EvaluationTest, AccuracyOfClassesAsksForTheLikeliest) {
  evaluation_.Add(kSearch, kCategory, {0.2f, 0.5f, 0.3f}, {1});
  evaluation_.Add(kSearch, kCategory, {0.6f, 0.3f, 0.1f}, {2});
  evaluation_.Add(kSearch, kCategory, {0.1f, 0.2f, 0.7f}, {2});

  EXPECT_DOUBLE_EQ(Value("search", "category", "accuracy"), 2.0 / 3);
}

TEST_F(EvaluationTest, LogLossOfClassesIsThatOfTheLabelsClass) {
  evaluation_.Add(kSearch, kCategory, {0.25f, 0.5f, 0.25f}, {1});
  evaluation_.Add(kSearch, kCategory, {0.5f, 0.25f, 0.25f}, {2});

  EXPECT_NEAR(Value("search", "category", "log_loss"), 1.5 * std::log(2), 1e-12);
}

TEST_F(EvaluationTest, RegressionErrorsAreMeans) {
  evaluation_.Add(kSearch, kSpend, {1.0f}, {2.0f});
  evaluation_.Add(kSearch, kSpend, {5.0f}, {2.0f});

  EXPECT_DOUBLE_EQ(Value("search", "spend", "mse"), 5);  // (1 + 9) / 2.
  EXPECT_DOUBLE_EQ(Value("search", "spend", "mae"), 2);  // (1 + 3) / 2.
}

TEST_F(EvaluationTest, R2IsTheExplainedShareOfVariance) {
  for (const auto& [prediction, label] : {std::pair{1.5f, 1.0f}, {2.0f, 2.0f}, {2.0f, 3.0f}}) {
    evaluation_.Add(kSearch, kSpend, {prediction}, {label});
  }

  EXPECT_DOUBLE_EQ(Value("search", "spend", "r2"), 1 - 1.25 / 2);
}

TEST_F(EvaluationTest, R2KeepsItsDigitsFarFromZero) {
  for (const float label : {1000001.0f, 1000002.0f, 1000003.0f})
    evaluation_.Add(kSearch, kSpend, {1000002.0f}, {label});

  EXPECT_NEAR(Value("search", "spend", "r2"), 0, 1e-9);
}

TEST_F(EvaluationTest, R2OfEqualLabelsIsUndefined) {
  evaluation_.Add(kSearch, kSpend, {1.0f}, {2.0f});
  evaluation_.Add(kSearch, kSpend, {3.0f}, {2.0f});

  EXPECT_TRUE(std::isnan(Value("search", "spend", "r2")));
}

TEST_F(EvaluationTest, EachOutputOfAForecastIsATaskOfItsOwn) {
  evaluation_.Add(kSearch, kDemand, {1.0f, 10.0f}, {2.0f, 13.0f});

  EXPECT_DOUBLE_EQ(Value("search", "demand[0]", "mae"), 1);
  EXPECT_DOUBLE_EQ(Value("search", "demand[1]", "mae"), 3);
}

// Labels 1, 2, 4 and scores 2, 2, 1: missed by -1, 0, 3; under the loss of the 0.9 quantile 0.1, 0 and 2.7.
TEST(QuantileTest, TellsThePinballLossAndHowManyLabelsItCovers) {
  EvaluationLayout layout = ShopLayout();
  layout.tasks[kSpend].quantile = 0.9;
  Evaluation one(layout);
  one.Add(kSearch, kSpend, {2}, {1});
  one.Add(kSearch, kSpend, {2}, {2});
  Evaluation other(layout);
  other.Add(kSearch, kSpend, {1}, {4});
  one.Merge(other);

  const auto figures = one.Figures();
  EXPECT_NEAR(Find(figures, "search", "spend", "pinball")->value, 2.8 / 3, 1e-12);
  EXPECT_NEAR(Find(figures, "search", "spend", "coverage")->value, 2.0 / 3, 1e-12);
  EXPECT_NEAR(Find(figures, "search", "spend", "mae")->value, 4.0 / 3, 1e-12);
  EXPECT_EQ(Find(figures, "search", "spend", "mse"), nullptr);
}

TEST_F(EvaluationTest, TheStarIsOverTheRowsOfAllScenes) {
  Click(kSearch, 0.9f, 0);
  Click(kFeed, 0.2f, 1);
  Click(kFeed, 0.95f, 1);
  evaluation_.Add(kSearch, kSpend, {0.0f}, {1.0f});
  evaluation_.Add(kFeed, kSpend, {2.0f}, {3.0f});
  evaluation_.Add(kFeed, kSpend, {5.0f}, {5.0f});

  EXPECT_DOUBLE_EQ(Value("*", "click", "auc"), 0.5);
  EXPECT_DOUBLE_EQ(Value("*", "spend", "r2"), 1 - 2.0 / 8);
}

TEST_F(EvaluationTest, FiguresTellTheirRows) {
  Click(kSearch, 0.9f, 0);
  Click(kFeed, 0.2f, 1);
  Click(kFeed, 0.2f, 1);

  const std::vector<EvaluationFigure> figures = evaluation_.Figures();
  EXPECT_EQ(Find(figures, "feed", "click", "auc")->rows, 2);
  EXPECT_EQ(Find(figures, "*", "click", "log_loss")->rows, 3);
}

TEST_F(EvaluationTest, ANanPredictionShowsInTheFigures) {
  Click(kSearch, std::numeric_limits<float>::quiet_NaN(), 1);

  EXPECT_TRUE(std::isnan(Value("search", "click", "log_loss")));
}

TEST_F(EvaluationTest, ClearForgetsEveryRow) {
  Click(kSearch, 0.9f, 0);

  evaluation_.Clear();

  EXPECT_TRUE(evaluation_.Figures().empty());
}

TEST_F(EvaluationTest, BinnedAucIsWithinOneTenThousandthOfTheExactOne) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  for (const auto& [center, spread] : {std::pair{-4.0, 1.0}, {0.0, 0.1}, {-6.0, 2.5}, {3.0, 0.5}}) {
    Evaluation evaluation(ShopLayout());
    std::vector<float> scores;
    std::vector<float> labels;
    for (int i = 0; i < 50000; ++i) {
      const double p = 1 / (1 + std::exp(-(center + spread * normal(random))));
      scores.push_back(static_cast<float>(p));
      labels.push_back(uniform(random) < p ? 1 : 0);
      evaluation.Add(kSearch, kClick, {scores.back()}, {labels.back()});
    }
    const std::vector<EvaluationFigure> figures = evaluation.Figures();
    EXPECT_NEAR(Find(figures, "search", "click", "auc")->value, ExactAuc(scores, labels), 1e-4)
        << "center " << center << ", spread " << spread;
  }
}

TEST(EvaluationMergeTest, EqualsAddingAllRowsToOne) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(0.01f, 0.99f);
  Evaluation all(ShopLayout());
  Evaluation parts[2] = {Evaluation(ShopLayout()), Evaluation(ShopLayout())};
  for (int i = 0; i < 3000; ++i) {
    const int scene = i % 2;
    const float p = uniform(random);
    const float label = uniform(random) < p;
    const float spend = 100 * uniform(random);
    for (Evaluation* evaluation : {&all, &parts[i % 3 == 0]}) {
      evaluation->Add(scene, kClick, {p}, {label});
      evaluation->Add(kSearch, kCategory, {p / 2, p / 2, 1 - p}, {2 * label});
      evaluation->Add(scene, kDemand, {spend, p}, {spend + p, 2 * p});
    }
  }

  parts[0].Merge(parts[1]);

  const std::vector<EvaluationFigure> merged = parts[0].Figures();
  const std::vector<EvaluationFigure> expected = all.Figures();
  ASSERT_EQ(merged.size(), expected.size());
  for (size_t i = 0; i < merged.size(); ++i) {
    EXPECT_EQ(merged[i].rows, expected[i].rows);
    EXPECT_NEAR(merged[i].value, expected[i].value, 1e-9 * std::abs(expected[i].value))
        << merged[i].scene << " " << merged[i].task << " " << merged[i].metric;
  }
}

TEST(EvaluationMergeTest, IntoAnEmptyOneIsACopy) {
  Evaluation full(ShopLayout());
  full.Add(kFeed, kSpend, {1.0f}, {2.0f});
  Evaluation empty(ShopLayout());

  empty.Merge(full);

  EXPECT_EQ(empty.Serialize(), full.Serialize());
}

TEST(ExactAucTest, AveragesTies) {
  EXPECT_DOUBLE_EQ(ExactAuc({0.1f, 0.4f, 0.4f, 0.9f}, {0, 0, 1, 1}), 0.875);  // (1 + 1/2 + 1 + 1) of 4.
}

TEST(ExactAucTest, IsUndefinedForOneClass) { EXPECT_TRUE(std::isnan(ExactAuc({0.1f, 0.4f}, {1, 1}))); }

}  // namespace
}  // namespace polyscene
