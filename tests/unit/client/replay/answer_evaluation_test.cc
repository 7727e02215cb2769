#include "client/replay/answer_evaluation.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "tests/unit/client/replay/shop.h"

namespace polyscene::replay {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

double FigureOf(const std::vector<EvaluationFigure>& figures, const std::string& task, const std::string& metric,
                uint64_t rows) {
  for (const EvaluationFigure& figure : figures) {
    if (figure.scene != "*" || figure.task != task || figure.metric != metric) continue;
    EXPECT_EQ(figure.rows, rows) << task;
    return figure.value;
  }
  ADD_FAILURE() << "no " << metric << " of " << task;
  return -1;
}

// Tasks of the shop: click, spend, churn, next (two values).
class AnswerEvaluationTest : public ::testing::Test {
 protected:
  const RememberedRequest search_ = {"p/1", 0, 100, {{0, {0.9f, 0.2f, 0.5f, 0.5f}}, {1, {1, 2, 3, 4}}}};
  const RememberedRequest visits_ = {"p/2", 1, 200, {{2, {0.25f}}, {3, {5, 6}}}};
  static OpenLabels Labels(uint32_t row, std::vector<float> labels) {
    OpenLabels open;
    open.row = row;
    open.labels = std::move(labels);
    return open;
  }
};

TEST_F(AnswerEvaluationTest, EachRowsLabelMeetsItsOwnScore) {
  AnswerEvaluation evaluation(Shop(), 0);
  evaluation.Add(search_, Labels(3, {0, 3, kNone, kNone, kNone}));
  evaluation.Add(search_, Labels(0, {1, kNone, kNone, kNone, kNone}));
  evaluation.Add(search_, Labels(1, {0, 200, kNone, kNone, kNone}));  // 200 is outside what spend takes.
  evaluation.Add(search_, Labels(2, {1, kNone, kNone, kNone, kNone}));
  evaluation.Add(visits_, Labels(0, {kNone, kNone, kNone, 7, 6}));
  const auto figures = evaluation.Figures();
  EXPECT_DOUBLE_EQ(FigureOf(figures, "click", "auc", 4), 3.5 / 4) << "0.9 and a tie at 0.5 over 0.2 and 0.5";
  const double spend = std::log1p(4.0) - std::log1p(3.0);
  EXPECT_NEAR(FigureOf(figures, "spend", "mse", 1), spend * spend, 1e-7) << "on the transformed scale";
  EXPECT_DOUBLE_EQ(FigureOf(figures, "next[0]", "mse", 1), 4);
  EXPECT_DOUBLE_EQ(FigureOf(figures, "next[1]", "mse", 1), 0);
  EXPECT_TRUE(evaluation.exact());
}

TEST_F(AnswerEvaluationTest, LabelsThatTheirConditionTakesOutDoNotCount) {
  v1::ModelFile file = Shop()->file();
  file.mutable_tasks(1)->mutable_defined_when()->set_task("click");
  const auto spec = ModelSpec::Create(file);
  ASSERT_TRUE(spec.ok()) << spec.status();
  AnswerEvaluation evaluation(*spec, 0);
  evaluation.Add(search_, Labels(0, {1, 1, kNone, kNone, kNone}));
  evaluation.Add(search_, Labels(1, {0, 5, kNone, kNone, kNone}));
  evaluation.Add(search_, Labels(2, {kNone, 5, kNone, kNone, kNone}));
  EXPECT_DOUBLE_EQ(FigureOf(evaluation.Figures(), "spend", "mse", 1), 0);
}

TEST_F(AnswerEvaluationTest, RequestsBeforeItBeginsDoNotCount) {
  AnswerEvaluation evaluation(Shop(), 150);
  evaluation.Add(search_, Labels(0, {1, 2, kNone, kNone, kNone}));
  EXPECT_TRUE(evaluation.Figures().empty());
  evaluation.Add(visits_, Labels(0, {kNone, kNone, 1, kNone, kNone}));
  EXPECT_FALSE(evaluation.Figures().empty());
}

TEST_F(AnswerEvaluationTest, RowsMayCountByWhenTheyHappened) {
  AnswerEvaluation evaluation(Shop(), 150, AnswerEvaluation::Counts::kHappened);
  OpenLabels labels = Labels(0, {1, kNone, kNone, kNone, kNone});
  labels.event_at = 149;
  evaluation.Add(search_, labels);
  EXPECT_TRUE(evaluation.Figures().empty());
  labels.event_at = 150;
  evaluation.Add(search_, labels);
  EXPECT_FALSE(evaluation.Figures().empty());
}

TEST_F(AnswerEvaluationTest, ATaskThatWasRefusedDoesNotCount) {
  AnswerEvaluation evaluation(Shop(), 0);
  evaluation.Add(search_, Labels(0, {1, 2, kNone, kNone, kNone}), {false, true, true, true});
  for (const EvaluationFigure& figure : evaluation.Figures()) EXPECT_EQ(figure.task, "spend");
}

TEST(LargestDifferenceTest, IsOfFiguresOfTheSameName) {
  const std::vector<EvaluationFigure> a = {{"*", "click", "auc", 0.75, 4}, {"*", "click", "log_loss", 0.5, 4}};
  std::vector<EvaluationFigure> b = {a[1], a[0]};
  EXPECT_EQ(LargestDifference(a, b), 0);
  b[0].value = 0.625;
  EXPECT_EQ(LargestDifference(a, b), 0.125);
  b[1].value = kNone;
  EXPECT_TRUE(std::isnan(LargestDifference(a, b)));
  b[1].value = 0.75;
  b[1].rows = 5;
  EXPECT_TRUE(std::isnan(LargestDifference(a, b))) << "not of the same rows";
  EXPECT_TRUE(std::isnan(LargestDifference(a, {a[0]})));
}

TEST(LargestDifferenceTest, WhatBothCannotSayDoesNotDiffer) {
  const std::vector<EvaluationFigure> a = {{"*", "click", "auc", kNone, 4}};
  EXPECT_EQ(LargestDifference(a, a), 0);
}

}  // namespace
}  // namespace polyscene::replay
