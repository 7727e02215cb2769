// Learning is tested by what it learns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/data/table_slice.h"
#include "model/embedding/initial_row.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

using ::testing::Each;

std::string ModelText(const std::string& network) {
  return absl::StrCat(R"(
    name: "learning"
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    features { name: "tags" side: CONTEXT type: INT64 sequence {} encode { hash { embedding { dimension: 4 } } } }
    features { name: "x" side: CONTEXT type: FLOAT encode { numeric { scaling: NONE } } }
    scenes { name: "shop" tasks: ["click", "kind", "demand"] }
    scenes { name: "search" tasks: ["click"] }
    tasks { name: "click" binary {} }
    tasks { name: "kind" multi_class { classes: 3 } }
    tasks { name: "demand" forecast { horizon: 3 } }
    network { )",
                      network, R"( tower: [8] }
    dense_optimizer { adam { learning_rate: 0.01 } }
    row_optimizer { adagrad { learning_rate: 0.2 } }
  )");
}

// click: the parity of `item`. kind: item modulo 3. demand: a line in x, step by step. All of it a function of the
// row's number.
OwnedExamples Planted(uint64_t seed, int64_t rows, const std::string& scene = "shop") {
  OwnedExamples examples;
  examples.scene = scene;
  examples.features.rows = rows;
  std::vector<int64_t> items;
  std::vector<float> xs, clicks, kinds, demand;
  Column tags;
  for (int64_t r = 0; r < rows; ++r) {
    const uint64_t bits = SplitMix64(seed);
    const int64_t item = static_cast<int64_t>(bits % 30);
    const float x = SignedUnit(SplitMix64(seed));
    items.push_back(item);
    xs.push_back(x);
    clicks.push_back(static_cast<float>(item % 2));
    kinds.push_back(static_cast<float>(item % 3));
    for (int day = 0; day < 3; ++day) demand.push_back(1 + 0.5f * static_cast<float>(day) + 2 * x);
    tags.lengths.push_back(r % 3);
    for (int64_t i = 0; i < r % 3; ++i) tags.ints.push_back(item + i);
  }
  examples.features.Add("item", ValueType::kInt64).ints = items;
  Column& column = examples.features.Add("tags", ValueType::kInt64);
  column.ints = tags.ints;
  column.lengths = tags.lengths;
  examples.features.Add("x", ValueType::kFloat).floats = xs;
  examples.labels.push_back({"click", clicks, {}});
  if (scene == "shop") {
    examples.labels.push_back({"kind", kinds, {}});
    examples.labels.push_back({"demand", demand, {}});
  }
  return examples;
}

class LearningTest : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const ModelSpec> spec_ = ParseModel(ModelText(GetParam()));
  std::unique_ptr<Learner> learner_ = NewLearner(spec_);
};

TEST_P(LearningTest, FindsPlantedSignals) {
  for (int step = 0; step < 300; ++step) Learn(*learner_, Planted(step, 64));
  learner_->OpenEvaluation("test", 0);
  for (int step = 300; step < 320; ++step) Learn(*learner_, Planted(step, 64), "test");

  const auto opened = learner_->OpenedEvaluations();
  ASSERT_EQ(opened.size(), 1u);
  EXPECT_GT(Figure(opened[0].second, "shop", "click", "auc"), 0.999);
  EXPECT_GT(Figure(opened[0].second, "shop", "kind", "accuracy"), 0.99);
  for (int day = 0; day < 3; ++day) {
    EXPECT_GT(Figure(opened[0].second, "shop", absl::StrCat("demand[", day, "]"), "r2"), 0.98);
  }
}

TEST_P(LearningTest, AForecastHeadFitsAKnownLine) {
  for (int step = 0; step < 500; ++step) Learn(*learner_, Planted(step, 64));

  Table row;
  row.rows = 1;
  row.Add("x", ValueType::kFloat).floats = {0.25f};
  row.Add("item", ValueType::kInt64).ints = {4};
  const auto snapshot = learner_->MakeSnapshot(1, 0).value();
  const std::vector<float> demand = Score(spec_, *snapshot, row, "shop", "demand");

  ASSERT_EQ(demand.size(), 3u);
  EXPECT_NEAR(demand[0], 1.5, 0.1);
  EXPECT_NEAR(demand[1], 2.0, 0.1);
  EXPECT_NEAR(demand[2], 2.5, 0.1);
}

TEST_P(LearningTest, WhatIsEvaluatedIsWhatAPredictWouldHaveAnswered) {
  for (int step = 0; step < 20; ++step) Learn(*learner_, Planted(step, 64));
  const OwnedExamples rows = Planted(1'000, 64);
  const auto snapshot = learner_->MakeSnapshot(1, 0).value();
  const std::vector<float> served = Score(spec_, *snapshot, rows.features, "shop", "click");

  learner_->OpenEvaluation("test", 0);
  Learn(*learner_, rows, "test");

  double log_loss = 0;
  for (int r = 0; r < 64; ++r) {
    log_loss -= std::log(rows.labels[0].values[r] > 0 ? served[r] : 1 - served[r]) / 64;
  }
  EXPECT_NEAR(Figure(learner_->OpenedEvaluations()[0].second, "shop", "click", "log_loss"), log_loss, 1e-5);
}

TEST_P(LearningTest, DriftIsOfWhatAPredictWouldHaveAnswered) {
  const std::string policy =
      "learning { drift { page_hinkley { tolerance: 0.01 threshold: 10000 minimum_rows: 64 } } }";
  const auto spec = ParseModel(ModelText(GetParam()) + policy);
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  EvaluationLayout layout;
  layout.scenes = {"shop"};
  layout.tasks = {{"click", EvaluatedKind::kBinary, 1, 1}};
  layout.scene_tasks = {{0}};
  DriftMonitor by_hand(layout, {true, 0.01, 10000, 64});
  double highest = 0;
  for (int step = 0; step < 64; ++step) {
    OwnedExamples rows = Planted(step, 64);
    if (step >= 60) {  // What was learned is wrong now.
      for (float& click : rows.labels[0].values) click = 1 - click;
    }
    const auto snapshot = learner->MakeSnapshot(step + 1, 0).value();
    const std::vector<float> served = Score(spec, *snapshot, rows.features, "shop", "click");
    for (int r = 0; r < 64; ++r) {
      const double of_true = rows.labels[0].values[r] > 0 ? served[r] : 1.0 - served[r];
      by_hand.Add(0, 0, -std::log(std::max(of_true, std::exp(-16.0))), 0);
    }
    Learn(*learner, rows);
    ASSERT_EQ(learner->drift().size(), 4);
    ASSERT_NEAR(learner->drift()[0].level, by_hand.Figures()[0].level, 1e-4);  // Rounding, summed up.
    highest = std::max(highest, by_hand.Figures()[0].level);
  }
  EXPECT_EQ(learner->drift()[0].task, "click");
  EXPECT_GT(highest, 1e-3);
}

TEST_P(LearningTest, TheFadingLossIsOfWhatAPredictWouldHaveAnsweredAndIsKept) {
  const auto spec = ParseModel(ModelText(GetParam()) + "learning { evaluation_window_rows: 100 }");
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  EXPECT_TRUE(learner->FadingFigures().empty());
  const double share = std::exp2(-1.0 / 100);
  double sum = 0;
  double count = 0;
  for (int step = 0; step < 10; ++step) {
    const OwnedExamples rows = Planted(step, 64);
    const auto snapshot = learner->MakeSnapshot(step + 1, 0).value();
    const std::vector<float> served = Score(spec, *snapshot, rows.features, "shop", "click");
    for (int r = 0; r < 64; ++r) {
      sum = sum * share - std::log(rows.labels[0].values[r] > 0 ? served[r] : 1.0 - served[r]);
      count = count * share + 1;
    }
    Learn(*learner, rows);
  }
  const double fading = Figure(learner->FadingFigures(), "shop", "click", "log_loss");
  EXPECT_NEAR(fading, sum / count, 1e-5);

  const TempDirectory directory;
  ASSERT_TRUE(learner->SaveCheckpoint(directory.path() / "saved", 0).ok());
  const auto loaded = LoadLearner(spec, LearnerOptions(), directory.path() / "saved");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  Learn(*learner, Planted(10, 64));
  Learn(*loaded->learner, Planted(10, 64));
  EXPECT_EQ(Figure(loaded->learner->FadingFigures(), "shop", "click", "log_loss"),
            Figure(learner->FadingFigures(), "shop", "click", "log_loss"));
}

TEST_P(LearningTest, ADriftAlarmTellsTheTimeOfItsRowAndIsKept) {
  const auto spec =
      ParseModel(ModelText(GetParam()) +
                 "learning { drift { page_hinkley { tolerance: 0.01 threshold: 10 minimum_rows: 640 } } }");
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  for (int step = 0; step < 80; ++step) {
    OwnedExamples rows = Planted(step, 64);
    for (int r = 0; r < 64; ++r) rows.times.push_back(1'000 * (step + 1) + r);
    if (step >= 60) {
      for (float& click : rows.labels[0].values) click = 1 - click;
    }
    Learn(*learner, rows);
  }
  const DriftFigure figure = learner->drift()[0];
  EXPECT_GE(figure.alarms, 1);
  EXPECT_GE(figure.last_alarm_event_micros, 61'000);
  EXPECT_LT(figure.last_alarm_event_micros, 81'000);

  const TempDirectory directory;
  ASSERT_TRUE(learner->SaveCheckpoint(directory.path() / "saved", 0).ok());
  const auto loaded = LoadLearner(spec, LearnerOptions(), directory.path() / "saved");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->learner->drift()[0].alarms, figure.alarms);
  EXPECT_EQ(loaded->learner->drift()[0].level, figure.level);
  EXPECT_EQ(loaded->learner->drift()[0].last_alarm_event_micros, figure.last_alarm_event_micros);
}

TEST_P(LearningTest, SaveLoadContinueEqualsNoBreak) {
  const auto directory = std::filesystem::temp_directory_path() / absl::StrCat("polyscene_learning_", getpid());
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  learner_->OpenEvaluation("test", 0);
  for (int step = 0; step < 10; ++step) Learn(*learner_, Planted(step, 64), "test");
  ASSERT_TRUE(learner_->SaveCheckpoint(directory / "first", 640).ok());
  auto loaded = LoadLearner(spec_, LearnerOptions(), directory / "first");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->log_offset, 640u);

  for (int step = 10; step < 20; ++step) {
    const StepReport unbroken = Learn(*learner_, Planted(step, 64), "test");
    const StepReport continued = Learn(*loaded->learner, Planted(step, 64), "test");
    ASSERT_EQ(unbroken.loss, continued.loss) << "step " << step;  // To the bit.
    ASSERT_EQ(unbroken.step, continued.step);
  }
  // Everything, to the bit: equal states make equal files, but for the order of rows, which is that of their appearance
  // in both.
  ASSERT_TRUE(learner_->SaveCheckpoint(directory / "a", 1'280).ok());
  ASSERT_TRUE(loaded->learner->SaveCheckpoint(directory / "b", 1'280).ok());
  for (const char* file : {"state.ckpt", "rows.000000"}) {
    const std::string compare =
        absl::StrCat("cmp ", (directory / "a" / file).string(), " ", (directory / "b" / file).string());
    EXPECT_EQ(std::system(compare.c_str()), 0);
  }
  std::filesystem::remove_all(directory);
}

TEST_P(LearningTest, ASnapshotNeverChanges) {
  Learn(*learner_, Planted(0, 64));
  const Table rows = Planted(5, 64).features;
  const auto snapshot = learner_->MakeSnapshot(1, 64).value();
  const std::vector<float> before = Score(spec_, *snapshot, rows, "shop", "click");
  for (int step = 1; step < 30; ++step) {
    Learn(*learner_, Planted(step, 64));
    if (step % 5 == 0) {
      ASSERT_TRUE(learner_->MakeSnapshot(step, 64).ok());
    }
  }
  EXPECT_EQ(Score(spec_, *snapshot, rows, "shop", "click"), before);
}

TEST_P(LearningTest, WhatIsCalledBetweenPiecesComesOftenAndChangesNothing) {
  const std::unique_ptr<Learner> other = NewLearner(spec_);
  int calls = 0;
  other->CallBetweenPieces([&calls] { ++calls; });
  for (int step = 0; step < 5; ++step) {
    EXPECT_EQ(Learn(*learner_, Planted(step, 64)).loss, Learn(*other, Planted(step, 64)).loss);  // To the bit.
    // Several around the network; and each product, of which there are three at least, forth and back.
    EXPECT_GE(calls, 12 * (step + 1));
  }
}

TEST_P(LearningTest, BatchedEqualsUnbatched) {
  for (int step = 0; step < 10; ++step) {
    Learn(*learner_, Planted(step, 64));
    Learn(*learner_, Planted(step, 16, "search"));
  }
  const auto snapshot = learner_->MakeSnapshot(1, 0).value();
  auto predictor = CreatePredictor(spec_, HashKey(), "cpu").value();
  const std::vector<Table> tables = {Planted(100, 7).features, Planted(101, 1).features, Planted(102, 30).features};
  const std::vector<std::vector<int>> tasks = {{0, 1, 2}, {0}, {2, 0}};
  const std::vector<int> scenes = {0, 1, 0};
  std::vector<TableView> views;
  for (const Table& table : tables) views.push_back(table.View());
  std::vector<ScoreRequest> requests;
  for (size_t i = 0; i < tables.size(); ++i) requests.push_back({scenes[i], &views[i], nullptr, tasks[i]});

  const auto together = predictor->Score(*snapshot, requests).value();
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto alone = predictor->Score(*snapshot, absl::MakeConstSpan(&requests[i], 1)).value();
    ASSERT_EQ(together[i].tasks.size(), tasks[i].size());
    for (size_t t = 0; t < tasks[i].size(); ++t) {
      ASSERT_EQ(together[i].tasks[t].task, tasks[i][t]);
      ASSERT_EQ(together[i].tasks[t].values.size(), alone[0].tasks[t].values.size());
      for (size_t v = 0; v < alone[0].tasks[t].values.size(); ++v) {
        EXPECT_NEAR(together[i].tasks[t].values[v], alone[0].tasks[t].values[v], 1e-5);
      }
    }
  }
}

TEST_P(LearningTest, PartsOfARequestScoreAsTheWhole) {
  for (int step = 0; step < 10; ++step) Learn(*learner_, Planted(step, 64));
  const auto snapshot = learner_->MakeSnapshot(1, 0).value();
  auto predictor = CreatePredictor(spec_, HashKey(), "cpu").value();
  const Table table = Planted(100, 100).features;
  const TableView view = table.View();
  const std::vector<int> tasks = {0, 1, 2};
  const ScoreRequest request{0, &view, nullptr, tasks};
  const ScoreResult whole = predictor->Score(*snapshot, absl::MakeConstSpan(&request, 1)).value()[0];
  TableSlice slice;
  for (int64_t begin = 0; begin < 100; begin += 34) {
    const TableView& rows = slice.Cut(view, begin, std::min<int64_t>(100, begin + 34));
    const ScoreRequest of_part{0, &rows, nullptr, tasks};
    const ScoreResult part = predictor->Score(*snapshot, absl::MakeConstSpan(&of_part, 1)).value()[0];
    ASSERT_EQ(part.rows, rows.rows);
    for (size_t t = 0; t < tasks.size(); ++t) {
      const int64_t outputs = part.tasks[t].outputs;
      ASSERT_EQ(part.tasks[t].values.size(), rows.rows * outputs);
      for (int64_t v = 0; v < rows.rows * outputs; ++v) {
        EXPECT_NEAR(part.tasks[t].values[v], whole.tasks[t].values[begin * outputs + v], 1e-5);
      }
    }
  }
}

TEST_P(LearningTest, MissingLabelsTeachNothing) {
  // The same rows; in one learner the last 32 have no labels and other contents than in the other.
  OwnedExamples half = Planted(1, 64);
  OwnedExamples other = half;
  for (auto& task : half.labels) {
    for (uint32_t r = 32; r < 64; ++r) task.missing.push_back(r);
  }
  other.labels = half.labels;
  for (size_t i = 32; i < 64; ++i) other.labels[0].values[i] = 1 - half.labels[0].values[i];
  const auto second = NewLearner(spec_);

  EXPECT_EQ(Learn(*learner_, half).loss, Learn(*second, other).loss);
  EXPECT_EQ(Learn(*learner_, half).loss, Learn(*second, other).loss);  // After an update too.
}

TEST_P(LearningTest, ARowWithWeightTwoCountsTwice) {
  OwnedExamples weighted = Planted(1, 2);
  weighted.weights = {2, 1};
  OwnedExamples repeated = Planted(1, 2);

  const StepReport once = Learn(*NewLearner(spec_), repeated);
  const StepReport twice = Learn(*learner_, weighted);
  OwnedExamples first = Planted(1, 1);
  const StepReport alone = Learn(*NewLearner(spec_), first);

  EXPECT_NEAR(twice.loss, once.loss + alone.loss / 2, 1e-5);  // The mean over two rows, the first one counted twice.
}

TEST_P(LearningTest, RowsWithoutAnyLabelAreLearnedWithoutHarm) {
  OwnedExamples rows = Planted(1, 8);
  rows.labels.clear();
  const StepReport report = Learn(*learner_, rows);
  EXPECT_EQ(report.rows, 8);
  EXPECT_EQ(learner_->counters().rows_learned, 8u);
  EXPECT_THAT(report.task_losses, Each(testing::IsNan()));
}

TEST_P(LearningTest, AStepThatIsNotFiniteIsPassedOverAndChangesNoWeight) {
  Learn(*learner_, Planted(0, 64));
  const Table rows = Planted(5, 64).features;
  const auto before = learner_->MakeSnapshot(1, 64).value();
  OwnedExamples poisoned = Planted(1, 8);
  poisoned.labels[2].values[0] = 1e30f;  // Its square is beyond a float.

  const StepReport report = Learn(*learner_, poisoned);

  EXPECT_TRUE(report.passed_over);
  EXPECT_EQ(learner_->counters().rows_learned, 72u);  // Acknowledged rows are never left behind.
  const auto after = learner_->MakeSnapshot(2, 72).value();
  EXPECT_EQ(Score(spec_, *after, rows, "shop", "click"), Score(spec_, *before, rows, "shop", "click"));
  EXPECT_FALSE(Learn(*learner_, Planted(2, 64)).passed_over);
}

TEST_P(LearningTest, OnlyTheEvaluationsOpenedLastAreKept) {
  for (int i = 0; i < 70; ++i) learner_->OpenEvaluation(absl::StrCat("producer", i), 0);
  const auto opened = learner_->OpenedEvaluations();
  EXPECT_EQ(opened.size(), 64u);
  for (const auto& [producer, figures] : opened) {
    EXPECT_THAT(producer, testing::Not(testing::AnyOf("producer0", "producer1", "producer5")));
  }
}

TEST_P(LearningTest, AnEvaluationOpenedAgainGoesOnAndIsKept) {
  learner_->OpenEvaluation("first", 0);
  Learn(*learner_, Planted(0, 64), "first");
  for (int i = 0; i < 63; ++i) learner_->OpenEvaluation(absl::StrCat("producer", i), 0);
  learner_->OpenEvaluation("first", 0);
  learner_->OpenEvaluation("last", 0);

  uint64_t rows = 0;
  for (const auto& [producer, figures] : learner_->OpenedEvaluations()) {
    EXPECT_NE(producer, "producer0");
    if (producer == "first") rows = figures[0].rows;
  }
  EXPECT_EQ(rows, 64u);
}

TEST_P(LearningTest, AnIdWithoutARowIsServedWhatItsRowWouldStartWith) {
  Learn(*learner_, Planted(0, 64));
  Table unknown;
  unknown.rows = 2;
  unknown.Add("item", ValueType::kInt64).ints = {123'456, 123'456};
  const auto before = learner_->MakeSnapshot(1, 0).value();
  const float without_row = Score(spec_, *before, unknown, "shop", "click")[0];

  OwnedExamples sighted;  // Makes the row, teaches nothing.
  sighted.features = unknown;
  Learn(*learner_, sighted);
  const auto after = learner_->MakeSnapshot(2, 0).value();
  EXPECT_EQ(Score(spec_, *after, unknown, "shop", "click")[0], without_row);
}

INSTANTIATE_TEST_SUITE_P(Networks, LearningTest,
                         testing::Values("shared_bottom { hidden: [16, 8] }", "mmoe { experts: 3 hidden: [16, 8] }",
                                         "mmoe { experts: 2 hidden: [16] } scene_adaptation: SCENE_EMBEDDING",
                                         "mmoe { experts: 2 hidden: [16] } scene_adaptation: GATE",
                                         "ple { hidden: [16, 8] } scene_adaptation: STAR",
                                         "ple { layers: 2 hidden: [12] } scene_adaptation: GATE",
                                         "single { hidden: [16, 8] }",
                                         "shared_bottom { hidden: [16] } scene_adaptation: STAR "
                                         "interaction { cross { layers: 1 } }",
                                         "shared_bottom { hidden: [16] } interaction { factorization_machine {} }"),
                         [](const auto& info) { return absl::StrCat("N", info.index); });

}  // namespace
}  // namespace polyscene
