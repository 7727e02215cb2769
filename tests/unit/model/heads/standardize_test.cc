// Labels that are standardized by those that were learned before them.
#include <gmock/gmock.h>
#include <torch/torch.h>

#include <cmath>

#include "absl/strings/str_replace.h"
#include "model/feature/label_scale.h"
#include "model/learning/inspection.h"
#include "model/learning/offline_learner.h"
#include "model/loss/task_loss.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/model/heads/heads_fixture.h"

namespace polyscene {
namespace {

using ::testing::Contains;
using ::testing::FloatNear;
using ::testing::Pointwise;

constexpr char kTasks[] = R"(
  tasks { name: "spend" regression { transform { log1p: true standardize: true } } }
  tasks { name: "week" forecast { horizon: 2 transform { standardize: true } } }
  network { shared_bottom { hidden: [8] } }
  dense_optimizer { adam { learning_rate: 0.02 } }
)";
constexpr char kNames[] = "\"spend\", \"week\"";

OwnedExamples Rows(int step) {
  OwnedExamples rows = HeadsRows(step);
  AddLabel(rows, "spend", [](int64_t item, float x) { return 100 + 10 * static_cast<float>(item) + x; });
  OwnedExamples::TaskLabels& week = rows.labels.emplace_back();
  week.task = "week";
  for (int r = 0; r < 32; ++r) {
    week.values.push_back(5000 + 300 * rows.features.columns[1].floats[r]);
    week.values.push_back(5100 - 300 * rows.features.columns[1].floats[r]);
  }
  return rows;
}

class StandardizeTest : public testing::Test {
 protected:
  LabelScale ScaleIn(const Learner& learner, const std::string& task) const {
    return ScaleOf(spec_->tasks()[spec_->FindTask(task)], dynamic_cast<const OfflineLearner&>(learner).statistics());
  }

  TempDirectory directory_;
  const std::shared_ptr<const ModelSpec> spec_ = ParseModel(HeadsModel(kNames, kTasks));
};

TEST(LabelScale, IsThatOfTheLabelsSeen) {
  TaskSpec task;
  task.kind = TaskSpec::Kind::kRegression;
  task.standardize = true;
  task.statistics = 1;
  FeatureStatistics statistics(2);
  const auto expect = [&](double center, double scale) {
    EXPECT_DOUBLE_EQ(ScaleOf(task, statistics).center, center);
    EXPECT_DOUBLE_EQ(ScaleOf(task, statistics).scale, scale);
  };
  expect(0, 1);
  statistics.entries[1].Add(10);
  expect(0, 1);
  EXPECT_FALSE(HasScale(task, statistics));
  statistics.entries[1].Add(10);
  EXPECT_TRUE(HasScale(task, statistics));
  expect(10, 1);
  statistics.entries[1].Add(16);
  expect(12, std::sqrt(8));
  EXPECT_FLOAT_EQ(TransformLabel(task, ScaleOf(task, statistics), 16), static_cast<float>(4 / std::sqrt(8)));
  // Never beyond what a fixed scale lets in.
  EXPECT_EQ(TransformLabel(task, {0, 1e-30}, 1), 1e6f);
}

TEST(LabelScale, WithoutStandardizeIsTheModelFiles) {
  TaskSpec task;
  task.center = 3;
  task.scale = 2;
  EXPECT_EQ(ScaleOf(task, FeatureStatistics()).center, 3);
  EXPECT_EQ(ScaleOf(task, FeatureStatistics()).scale, 2);
}

TEST_F(StandardizeTest, AStepIsScaledByTheLabelsBeforeIt) {
  const auto learner = NewLearner(spec_);
  EXPECT_EQ(ScaleIn(*learner, "spend").center, 0);
  EXPECT_TRUE(std::isnan(Learn(*learner, Rows(0)).task_losses[0])) << "the first labels only tell the scale";

  RunningStatistics spend, week;  // Of a forecast all steps together.
  const OwnedExamples first = Rows(0);
  for (const float label : first.labels[0].values) spend.Add(static_cast<float>(std::log1p(double{label})));
  for (const float label : first.labels[1].values) week.Add(label);
  EXPECT_DOUBLE_EQ(ScaleIn(*learner, "spend").center, spend.mean);
  EXPECT_DOUBLE_EQ(ScaleIn(*learner, "spend").scale, spend.deviation());
  EXPECT_DOUBLE_EQ(ScaleIn(*learner, "week").center, week.mean);
  EXPECT_DOUBLE_EQ(ScaleIn(*learner, "week").scale, week.deviation());

  // What is served now is what the next step's loss is of.
  const OwnedExamples second = Rows(1);
  const std::vector<float> scores = Score(spec_, *SnapshotOf(*learner), second.features, "shop", "spend");
  double loss = 0;
  for (size_t r = 0; r < scores.size(); ++r) {
    const double error = std::log1p(scores[r]) - std::log1p(second.labels[0].values[r]);
    loss += std::pow(error / spend.deviation(), 2) / static_cast<double>(scores.size());
  }
  EXPECT_NEAR(Learn(*learner, second).task_losses[0], loss, 1e-3 * loss);
}

TEST_F(StandardizeTest, LearnsLabelsOfAnyScale) {
  const auto learner = NewLearner(spec_);
  for (int step = 0; step < 300; ++step) {
    if (step == 250) learner->OpenEvaluation("test", 0);
    Learn(*learner, Rows(step), "test");
  }
  const auto figures = learner->OpenedEvaluations().at(0).second;
  EXPECT_GT(Figure(figures, "shop", "spend", "r2"), 0.95);
  EXPECT_GT(Figure(figures, "shop", "week[1]", "r2"), 0.9);
}

TEST_F(StandardizeTest, LabelsThatAreTakenBackDoNotCount) {
  const auto learner = NewLearner(spec_);
  OwnedExamples rows = Rows(0);
  rows.weights.assign(32, 1);
  for (size_t r = 0; r < 32; ++r) {
    if (r % 2 == 0) rows.weights[r] = r % 4 == 0 ? -1 : 0;
  }
  Learn(*learner, rows);
  EXPECT_EQ(dynamic_cast<OfflineLearner&>(*learner).statistics().entries[0].count, 16);
  EXPECT_EQ(dynamic_cast<OfflineLearner&>(*learner).statistics().entries[1].count, 32);
}

TEST_F(StandardizeTest, SaveLoadContinueEqualsNoBreakToTheBit) {
  const auto learner = NewLearner(spec_);
  for (int step = 0; step < 5; ++step) Learn(*learner, Rows(step));
  ASSERT_TRUE(learner->SaveCheckpoint(directory_.path() / "middle", 0).ok());
  auto loaded = LoadLearner(spec_, LearnerOptions(), directory_.path() / "middle");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  for (int step = 5; step < 10; ++step) {
    ASSERT_EQ(Learn(*learner, Rows(step)).loss, Learn(*loaded->learner, Rows(step)).loss) << "step " << step;
  }
  const auto digest = [this](Learner& of, const char* name) {
    EXPECT_TRUE(of.SaveCheckpoint(directory_.path() / name, 0).ok());
    return InspectCheckpoint(directory_.path() / name).state_digest;
  };
  EXPECT_EQ(digest(*learner, "a"), digest(*loaded->learner, "b"));
}

TEST_F(StandardizeTest, IsTakenOverByName) {
  const auto learner = NewLearner(spec_);
  for (int step = 0; step < 5; ++step) Learn(*learner, Rows(step));
  ASSERT_TRUE(learner->SaveCheckpoint(directory_.path() / "old", 0).ok());
  const OwnedExamples rows = Rows(0);
  // Another one before them, so that the statistics of each have another place.
  const auto spec = ParseModel(absl::StrReplaceAll(
      HeadsModel("\"spend\", \"rating\", \"week\"", kTasks),
      {{"tasks { name: \"spend\"",
        "tasks { name: \"rating\" regression { transform { standardize: true } } }\ntasks { name: \"spend\""}}));
  auto loaded = LoadLearner(spec, LearnerOptions(), directory_.path() / "old");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->changes, Contains("new: statistics 'label rating'"));
  for (const char* task : {"spend", "week"}) {
    EXPECT_THAT(Score(spec, *SnapshotOf(*loaded->learner), rows.features, "shop", task),
                Pointwise(FloatNear(0.01f), Score(spec_, *SnapshotOf(*learner), rows.features, "shop", task)));
  }
}

TEST_F(StandardizeTest, AFixedTransformDoesNotTakeItOver) {
  const auto learner = NewLearner(spec_);
  Learn(*learner, Rows(0));
  ASSERT_TRUE(learner->SaveCheckpoint(directory_.path() / "old", 0).ok());
  const auto spec =
      ParseModel(absl::StrReplaceAll(HeadsModel(kNames, kTasks), {{"log1p: true standardize: true", "log1p: true"}}));
  const auto loaded = LoadLearner(spec, LearnerOptions(), directory_.path() / "old");
  EXPECT_THAT(std::string(loaded.status().message()), testing::HasSubstr("task 'spend': its transform changed"));
}

}  // namespace
}  // namespace polyscene
