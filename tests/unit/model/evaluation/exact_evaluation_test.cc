#include "model/evaluation/exact_evaluation.h"

#include <limits>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/model/evaluation/layouts.h"

namespace polyscene {
namespace {

double Auc(const ExactEvaluation& evaluation, absl::string_view scene) {
  return Find(evaluation.Figures(), scene, "click", "auc")->value;
}

// Scores so close together that bins of the logit cannot tell them apart.
struct Row {
  int scene;
  float score;
  float label;
};

std::vector<Row> CloseRows(int count) {
  std::mt19937 random(3);
  std::vector<Row> rows;
  for (int i = 0; i < count; ++i) {
    const float label = random() % 3 == 0 ? 1 : 0;
    rows.push_back({i % 2, 0.5f + 1e-5f * static_cast<float>(random() % 40) + 5e-5f * label, label});
  }
  return rows;
}

double ExactAucOf(const std::vector<Row>& rows, int scene) {
  std::vector<float> scores, labels;
  for (const Row& row : rows) {
    if (scene >= 0 && row.scene != scene) continue;
    scores.push_back(row.score);
    labels.push_back(row.label);
  }
  return ExactAuc(scores, labels);
}

TEST(ExactEvaluationTest, AucIsExactOfEachSceneAndOfAll) {
  const std::vector<Row> rows = CloseRows(2000);
  ExactEvaluation evaluation(ShopLayout());
  Evaluation binned(ShopLayout());
  for (const Row& row : rows) {
    evaluation.Add(row.scene, kClick, {row.score}, {row.label});
    binned.Add(row.scene, kClick, {row.score}, {row.label});
  }

  EXPECT_DOUBLE_EQ(Auc(evaluation, "search"), ExactAucOf(rows, kSearch));
  EXPECT_DOUBLE_EQ(Auc(evaluation, "feed"), ExactAucOf(rows, kFeed));
  EXPECT_DOUBLE_EQ(Auc(evaluation, "*"), ExactAucOf(rows, -1));
  EXPECT_NE(Find(binned.Figures(), "*", "click", "auc")->value, ExactAucOf(rows, -1));
}

TEST(ExactEvaluationTest, RowsAddedAfterFiguresWereAskedForCount) {
  const std::vector<Row> rows = CloseRows(300);
  ExactEvaluation evaluation(ShopLayout());
  for (const Row& row : rows) {
    evaluation.Add(row.scene, kClick, {row.score}, {row.label});
    evaluation.Figures();
  }

  EXPECT_DOUBLE_EQ(Auc(evaluation, "*"), ExactAucOf(rows, -1));
}

TEST(ExactEvaluationTest, OtherFiguresAreThoseOfEvaluation) {
  ExactEvaluation evaluation(ShopLayout());
  Evaluation sums(ShopLayout());
  evaluation.Add(kSearch, kSpend, {2.0f}, {3.0f});
  sums.Add(kSearch, kSpend, {2.0f}, {3.0f});
  evaluation.Add(kSearch, kClick, {0.25f}, {1.0f});
  sums.Add(kSearch, kClick, {0.25f}, {1.0f});

  for (const char* metric : {"mse", "mae"}) {
    EXPECT_EQ(Find(evaluation.Figures(), "*", "spend", metric)->value,
              Find(sums.Figures(), "*", "spend", metric)->value);
  }
  EXPECT_EQ(Find(evaluation.Figures(), "*", "click", "log_loss")->value,
            Find(sums.Figures(), "*", "click", "log_loss")->value);
}

TEST(ExactEvaluationTest, WithTooManyDistinctScoresTheBinsAnswer) {
  ExactEvaluation evaluation(ShopLayout(), /*max_scores=*/100);
  Evaluation binned(ShopLayout());
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform;
  for (int i = 0; i < 500; ++i) {
    const float score = uniform(random);
    const float label = uniform(random) < score ? 1 : 0;
    evaluation.Add(kSearch, kClick, {score}, {label});
    binned.Add(kSearch, kClick, {score}, {label});
  }

  EXPECT_FALSE(evaluation.exact());
  EXPECT_EQ(Auc(evaluation, "*"), Find(binned.Figures(), "*", "click", "auc")->value);
}

TEST(ExactEvaluationTest, EqualScoresTakeTheirPlaceOnce) {
  ExactEvaluation evaluation(ShopLayout(), /*max_scores=*/100);
  for (int i = 0; i < 5000; ++i) evaluation.Add(kSearch, kClick, {0.01f * (i % 50)}, {i % 7 == 0 ? 1.0f : 0.0f});

  EXPECT_TRUE(evaluation.exact());
}

TEST(ExactEvaluationTest, ARoundTripKeepsEveryBitAndGoesOn) {
  ExactEvaluation evaluation(ShopLayout());
  for (const Row& row : CloseRows(200)) evaluation.Add(row.scene, kClick, {row.score}, {row.label});
  evaluation.Add(kSearch, kClick, {std::numeric_limits<float>::quiet_NaN()}, {1});

  absl::StatusOr<ExactEvaluation> parsed = ExactEvaluation::Parse(ShopLayout(), evaluation.Serialize());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  for (ExactEvaluation* each : {&evaluation, &*parsed}) each->Add(kFeed, kClick, {0.50001f}, {1});

  EXPECT_EQ(parsed->Serialize(), evaluation.Serialize());
  EXPECT_EQ(Auc(*parsed, "*"), Auc(evaluation, "*"));
}

TEST(ExactEvaluationTest, ChangedBytesAreDataLoss) {
  ExactEvaluation evaluation(ShopLayout());
  for (const Row& row : CloseRows(20)) evaluation.Add(row.scene, kClick, {row.score}, {row.label});
  const std::string bytes = evaluation.Serialize();
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] ^= 0x10;
    EXPECT_TRUE(absl::IsDataLoss(ExactEvaluation::Parse(ShopLayout(), changed).status())) << i;
    EXPECT_TRUE(absl::IsDataLoss(ExactEvaluation::Parse(ShopLayout(), bytes.substr(0, i)).status())) << i;
  }
}

}  // namespace
}  // namespace polyscene
