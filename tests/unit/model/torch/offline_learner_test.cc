// Learning from files is learning: the same steps, the same checkpoint, and scores as any request gets.
#include "model/learning/offline_learner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "model/embedding/initial_row.h"
#include "model/feature/encoder.h"
#include "model/serving/evaluation_layout.h"
#include "model/serving/row_scorer.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;

constexpr char kModel[] = R"(
  name: "offline"
  features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
  features { name: "tags" side: CONTEXT type: INT64 sequence {} encode { hash { embedding { dimension: 4 } } } }
  features { name: "price" side: CANDIDATE type: FLOAT encode { numeric {} } }
  scenes { name: "shop" tasks: ["click", "kind"] rank_by { factors { task: "click" power: 0.5 } } }
  tasks { name: "click" binary {} }
  tasks { name: "kind" multi_class { classes: 3 } weight: 0.5 }
  network { mmoe { experts: 2 hidden: [8] } tower: [4] }
)";

// Every third row has no label of kind, and price falls apart from both labels by nothing but noise.
OwnedExamples Rows(uint64_t seed, int64_t rows) {
  OwnedExamples examples;
  examples.features.rows = rows;
  Column user, tags, price;
  OwnedExamples::TaskLabels click{"click", {}, {}}, kind{"kind", {}, {}};
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t id = static_cast<int64_t>(SplitMix64(seed) % 10);
    user.ints.push_back(id);
    tags.lengths.push_back(r % 3);
    for (int64_t i = 0; i < r % 3; ++i) tags.ints.push_back(id + i);
    price.floats.push_back(10 + 5 * SignedUnit(SplitMix64(seed)));
    click.values.push_back(static_cast<float>(id % 2));
    kind.values.push_back(static_cast<float>(id % 3));
    if (r % 3 == 0) kind.missing.push_back(static_cast<uint32_t>(r));
    examples.times.push_back(1000 + r);
  }
  examples.features.Add("user", ValueType::kInt64).ints = user.ints;
  Column& column = examples.features.Add("tags", ValueType::kInt64);
  column.ints = tags.ints;
  column.lengths = tags.lengths;
  examples.features.Add("price", ValueType::kFloat).floats = price.floats;
  examples.labels = {click, kind};
  return examples;
}

class OfflineLearnerTest : public testing::Test {
 protected:
  static FeatureStatistics SomeStatistics() {
    FeatureStatistics statistics(1);
    for (const double value : {5.0, 15.0}) statistics.entries[0].Add(value);
    return statistics;
  }
  std::unique_ptr<OfflineLearner> NewOfflineLearner() {
    auto learner = CreateOfflineLearner(spec_, LearnerOptions());
    if (!learner.ok()) ADD_FAILURE() << learner.status();
    (*learner)->SetStatistics(SomeStatistics());
    return *std::move(learner);
  }
  EncodedExamples Encode(const OwnedExamples& rows) const {
    EncodedExamples encoded;
    const ExamplesView view = rows.View();
    const ExampleSlice slice{&view, 0, view.rows(), ""};
    FeatureEncoder(spec_, HashKey()).AppendRows(SomeStatistics(), 0, view.features, 0, view.rows(), encoded.inputs);
    CollectLabels(*spec_, absl::MakeConstSpan(&slice, 1), encoded.labels);
    encoded.event_times_micros = rows.times;
    return encoded;
  }

  TempDirectory directory_;
  const std::shared_ptr<const ModelSpec> spec_ = ParseModel(kModel);
};

TEST_F(OfflineLearnerTest, AnEncodedStepIsTheStepThatTheServersTrainerTakes) {
  const auto online = NewOfflineLearner();  // Its next Step() scales by the same statistics.
  const auto offline = NewOfflineLearner();
  const OwnedExamples rows = Rows(1, 64);
  const StepReport stepped = Learn(*online, rows);
  const StepReport encoded = offline->LearnEncoded(Encode(rows)).value();
  EXPECT_EQ(encoded.loss, stepped.loss);
  EXPECT_EQ(encoded.task_losses, stepped.task_losses);
  EXPECT_EQ(encoded.rows, 64);

  online->SetStatistics(SomeStatistics());  // Step() has moved them.
  const auto a = online->MakeSnapshot(1, 0).value(), b = offline->MakeSnapshot(1, 0).value();
  auto scorer = CreateRowScorer(spec_, HashKey(), "cpu", 1).value();
  const TableView view = rows.features.View();
  EXPECT_EQ(scorer->Score(*a, 0, view, 0, 64)->tasks[0].values, scorer->Score(*b, 0, view, 0, 64)->tasks[0].values);
}

TEST_F(OfflineLearnerTest, StatisticsStayAndCountersGoOn) {
  const auto learner = NewOfflineLearner();
  ASSERT_TRUE(learner->LearnEncoded(Encode(Rows(1, 64))).ok());
  ASSERT_TRUE(learner->LearnEncoded(Encode(Rows(2, 64))).ok());
  EXPECT_EQ(learner->statistics().entries[0].count, 2);
  EXPECT_EQ(learner->counters().step, 2u);
  EXPECT_EQ(learner->counters().rows_learned, 128u);
  EXPECT_EQ(learner->counters().learned_up_to_micros, 1063);
}

TEST_F(OfflineLearnerTest, SavingAndGoingOnEqualsTrainingWithoutABreak) {
  const auto whole = NewOfflineLearner();
  ASSERT_TRUE(whole->LearnEncoded(Encode(Rows(1, 64))).ok());
  ASSERT_TRUE(whole->SaveCheckpoint(directory_.path() / "half", 0).ok());
  const StepReport second = whole->LearnEncoded(Encode(Rows(2, 64))).value();

  auto loaded = LoadOfflineLearner(spec_, LearnerOptions(), directory_.path() / "half");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ((*loaded)->LearnEncoded(Encode(Rows(2, 64)))->loss, second.loss);
}

TEST_F(OfflineLearnerTest, ACheckpointTellsItsModel) {
  const absl::Status saved = NewOfflineLearner()->SaveCheckpoint(directory_.path() / "ck", 0);
  ASSERT_TRUE(saved.ok()) << saved;
  const auto model = CheckpointModel(directory_.path() / "ck");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ((*model)->fingerprint(), spec_->fingerprint());
  EXPECT_EQ((*model)->tasks()[1].weight, 0.5);
  EXPECT_THAT(std::string(CheckpointModel(directory_.path() / "none").status().message()), HasSubstr("none"));
}

TEST_F(OfflineLearnerTest, RowsAreScoredAsRequestsOfTheirOwn) {
  const auto learner = NewOfflineLearner();
  for (int step = 0; step < 5; ++step) ASSERT_TRUE(learner->LearnEncoded(Encode(Rows(step, 64))).ok());
  const auto snapshot = learner->MakeSnapshot(1, 0).value();
  OwnedExamples rows = Rows(99, 12);
  rows.features.columns[0].ints[3] = 12345;  // A user that was never seen.
  auto scorer = CreateRowScorer(spec_, HashKey(), "cpu", 1).value();
  const TableView view = rows.features.View();
  const ScoreResult together = scorer->Score(*snapshot, 0, view, 2, 12).value();
  ASSERT_EQ(together.rows, 10);
  ASSERT_EQ(together.tasks.size(), 2u);

  auto predictor = CreatePredictor(spec_, HashKey(), "cpu").value();
  const int tasks[] = {0, 1};
  size_t tag = 0;
  for (int64_t row = 0; row < 12; ++row) {
    Table context, candidates;
    context.rows = candidates.rows = 1;
    context.Add("user", ValueType::kInt64).ints = {rows.features.columns[0].ints[row]};
    Column& tags = context.Add("tags", ValueType::kInt64);
    tags.lengths = {static_cast<uint32_t>(row % 3)};
    for (int64_t i = 0; i < row % 3; ++i) tags.ints.push_back(rows.features.columns[1].ints[tag++]);
    candidates.Add("price", ValueType::kFloat).floats = {rows.features.columns[2].floats[row]};
    if (row < 2) continue;
    const TableView context_view = context.View(), candidates_view = candidates.View();
    const ScoreRequest request{0, &context_view, &candidates_view, tasks};
    const ScoreResult alone = predictor->Score(*snapshot, absl::MakeConstSpan(&request, 1)).value()[0];
    for (int task = 0; task < 2; ++task) {
      for (int i = 0; i < alone.tasks[task].outputs; ++i) {
        EXPECT_NEAR(together.tasks[task].values[(row - 2) * alone.tasks[task].outputs + i], alone.tasks[task].values[i],
                    1e-5);
      }
    }
    EXPECT_NEAR(together.ranking[row - 2], alone.ranking[0], 1e-5);
  }
}

TEST_F(OfflineLearnerTest, EvaluationTellsFiguresAndLossesWithoutLearning) {
  const auto learner = NewOfflineLearner();
  const EncodedExamples rows = Encode(Rows(7, 200));
  const auto snapshot = learner->MakeSnapshot(1, 0).value();
  auto scorer = CreateRowScorer(spec_, HashKey(), "cpu", 1).value();
  Evaluation evaluation(LayoutOf(*spec_));
  const auto add = [&](int64_t row, int task, absl::Span<const float> prediction, absl::Span<const float> label) {
    evaluation.Add(rows.inputs.scenes[row], task, prediction, label);
  };
  const std::vector<double> losses = scorer->Evaluate(*snapshot, rows, add).value();
  // What a step would have told before its update.
  const StepReport report = learner->LearnEncoded(rows).value();
  ASSERT_EQ(losses.size(), 2u);
  EXPECT_NEAR(losses[0], report.task_losses[0], 1e-5);
  EXPECT_NEAR(losses[1], report.task_losses[1], 1e-5);
  EXPECT_NEAR(Figure(evaluation.Figures(), "shop", "click", "log_loss"), losses[0], 1e-5);
  EXPECT_NEAR(Figure(evaluation.Figures(), "shop", "kind", "log_loss"), losses[1], 1e-5);
}

TEST_F(OfflineLearnerTest, RowsAreRankedAsAnAnswerRanksThem) {
  const auto learner = NewOfflineLearner();
  ASSERT_TRUE(learner->LearnEncoded(Encode(Rows(1, 64))).ok());
  const auto snapshot = learner->MakeSnapshot(1, 0).value();
  auto scorer = CreateRowScorer(spec_, HashKey(), "cpu", 1).value();
  const OwnedExamples rows = Rows(7, 20);
  const ExamplesView view = rows.View();
  const ScoreResult answer = scorer->Score(*snapshot, 0, view.features, 0, 20).value();
  std::vector<float> ranking;
  EncodedExamples encoded = Encode(rows);
  for (TaskLabels& labels : encoded.labels) labels.labelled.clear();  // What ranks need not be labelled.
  ASSERT_TRUE(scorer
                  ->Evaluate(
                      *snapshot, encoded, [](auto...) { ADD_FAILURE(); }, &ranking)
                  .ok());
  EXPECT_THAT(ranking, testing::Pointwise(testing::FloatNear(1e-5f), answer.ranking));
  EXPECT_EQ(ranking.size(), 20u);
}

TEST_F(OfflineLearnerTest, MatricesAreTheWeightsAndTheLastStepsGradients) {
  const auto learner = NewOfflineLearner();
  const std::vector<NamedMatrix> before = learner->Matrices().value();
  ASSERT_TRUE(learner->LearnEncoded(Encode(Rows(1, 64))).ok());
  const std::vector<NamedMatrix> after = learner->Matrices().value();
  ASSERT_EQ(before.size(), after.size());
  int moved = 0, count = 0;
  for (size_t m = 0; m < before.size(); ++m) {
    EXPECT_EQ(before[m].name, after[m].name);
    ASSERT_EQ(after[m].weights.size(), after[m].gradients.size());
    for (size_t i = 0; i < after[m].weights.size(); ++i) {
      EXPECT_EQ(before[m].gradients[i], 0);
      // Adam's first step goes against the gradient's sign.
      const float step = after[m].weights[i] - before[m].weights[i];
      EXPECT_LE(step * after[m].gradients[i], 0) << after[m].name << " " << i;
      moved += step != 0;
      ++count;
    }
  }
  EXPECT_GT(moved, count / 4);
}

TEST_F(OfflineLearnerTest, ExportedWeightsReplaceAFileWhole) {
  const auto learner = NewOfflineLearner();
  ASSERT_TRUE(learner->LearnEncoded(Encode(Rows(1, 64))).ok());
  ASSERT_TRUE(learner->ExportWeights(directory_.path() / "w.npz").ok());
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "w.npz.writing"));
  EXPECT_THAT(std::string(learner->ExportWeights(directory_.path() / "no" / "w.npz").message()), HasSubstr("no/w.npz"));
}

}  // namespace
}  // namespace polyscene
