// Scores go through the calibration in evaluation and serving; the network learns as if it was not there.
#include <gmock/gmock.h>

#include <cmath>

#include "absl/strings/str_replace.h"
#include "model/feature/encoder.h"
#include "model/feature/task_labels.h"
#include "model/learning/inspection.h"
#include "model/learning/offline_learner.h"
#include "model/serving/row_scorer.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/model/heads/heads_fixture.h"

namespace polyscene {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::FloatNear;
using ::testing::Pointwise;

// A network that cannot follow: hardly any rate, so that its bias stays where it began.
constexpr char kStill[] = R"(
  network { shared_bottom { hidden: [4] } }
  dense_optimizer { sgd { learning_rate: 1e-9 } }
  row_optimizer { adagrad { learning_rate: 1e-9 } }
)";
constexpr char kCalibrated[] = "tasks { name: \"click\" binary {} calibration { platt { half_life_rows: 500 } } }\n";
constexpr char kPlain[] = "tasks { name: \"click\" binary {} }\n";

// One click in `every` rows, whatever they are.
OwnedExamples Rows(int step, int every) {
  OwnedExamples rows = HeadsRows(step);
  int r = step;
  AddLabel(rows, "click", [&](int64_t, float) { return r++ % every == 0; });
  return rows;
}

double CalibrationOf(Learner& learner, int first, int steps, int every) {
  learner.OpenEvaluation("test", 0);
  for (int step = first; step < first + steps; ++step) Learn(learner, Rows(step, every), "test");
  return Figure(learner.OpenedEvaluations().at(0).second, "shop", "click", "calibration");
}

TEST(CalibrationLearning, ABiasedNetworkIsCalibratedAndStaysSoAsTheTruthMoves) {
  const auto plain = NewLearner(ParseModel(HeadsModel("\"click\"", absl::StrCat(kPlain, kStill))));
  EXPECT_GT(CalibrationOf(*plain, 0, 40, 16), 5);  // It tells about one half, and 1 in 16 is true.

  const auto learner = NewLearner(ParseModel(HeadsModel("\"click\"", absl::StrCat(kCalibrated, kStill))));
  for (int step = 0; step < 100; ++step) Learn(*learner, Rows(step, 16));
  EXPECT_NEAR(CalibrationOf(*learner, 100, 40, 16), 1, 0.1);
  for (int step = 140; step < 260; ++step) Learn(*learner, Rows(step, 2));
  EXPECT_NEAR(CalibrationOf(*learner, 260, 40, 2), 1, 0.1);
}

TEST(CalibrationLearning, TheNetworkLearnsAsWithoutIt) {
  const std::string network = "network { shared_bottom { hidden: [8] } }";
  const auto plain = NewLearner(ParseModel(HeadsModel("\"click\"", absl::StrCat(kPlain, network))));
  const auto calibrated = NewLearner(ParseModel(HeadsModel("\"click\"", absl::StrCat(kCalibrated, network))));
  for (int step = 0; step < 20; ++step) {
    ASSERT_EQ(Learn(*plain, Rows(step, 5)).loss, Learn(*calibrated, Rows(step, 5)).loss);
  }
}

// A step's scores are taken before its labels are: the first step's are those of no calibration.
TEST(CalibrationLearning, AStepIsScoredBeforeItIsFittedTo) {
  const auto plain = NewLearner(ParseModel(HeadsModel("\"click\"", absl::StrCat(kPlain, kStill))));
  const auto calibrated = NewLearner(ParseModel(HeadsModel("\"click\"", absl::StrCat(kCalibrated, kStill))));
  EXPECT_EQ(CalibrationOf(*calibrated, 0, 1, 16), CalibrationOf(*plain, 0, 1, 16));
}

class CalibratedShop : public testing::Test {
 protected:
  void SetUp() override {
    for (int step = 0; step < 30; ++step) Learn(*learner_, Rows(step, 16));
  }
  std::vector<float> Scores(const std::shared_ptr<const ModelSpec>& spec, Learner& learner,
                            const std::string& task = "click") const {
    return Score(spec, *SnapshotOf(learner), Rows(0, 2).features, "shop", task);
  }

  TempDirectory directory_;
  const std::shared_ptr<const ModelSpec> spec_ = ParseModel(HeadsModel("\"click\"", absl::StrCat(kCalibrated, kStill)));
  const std::unique_ptr<Learner> learner_ = NewLearner(spec_);
};

TEST_F(CalibratedShop, ServesThroughItInRequestsAndInFiles) {
  const std::vector<float> scores = Scores(spec_, *learner_);
  EXPECT_THAT(scores, Each(FloatNear(1 / 16.0f, 0.03f)));
  auto scorer = CreateRowScorer(spec_, HashKey(), "cpu", 1);
  const OwnedExamples rows = Rows(0, 2);
  const TableView view = rows.features.View();
  EXPECT_THAT((*scorer)->Score(*SnapshotOf(*learner_), 0, view, 0, 32)->tasks[0].values,
              Pointwise(FloatNear(1e-6f), scores));
}

TEST_F(CalibratedShop, FilesAreEvaluatedThroughItButTheirLossIsTheNetworks) {
  const OwnedExamples rows = Rows(0, 16);
  const ExamplesView view = rows.View();
  const ExampleSlice slice{&view, 0, view.rows(), ""};
  EncodedExamples encoded;
  FeatureEncoder(spec_, HashKey()).AppendRows(FeatureStatistics(), 0, view.features, 0, view.rows(), encoded.inputs);
  CollectLabels(*spec_, absl::MakeConstSpan(&slice, 1), encoded.labels);
  auto scorer = CreateRowScorer(spec_, HashKey(), "cpu", 1);
  std::vector<float> predictions;
  const auto losses = (*scorer)->Evaluate(
      *SnapshotOf(*learner_), encoded, [&](int64_t, int, absl::Span<const float> prediction, absl::Span<const float>) {
        predictions.push_back(prediction[0]);
      });
  ASSERT_TRUE(losses.ok()) << losses.status();
  EXPECT_THAT(predictions, Pointwise(FloatNear(1e-6f), Scores(spec_, *learner_)));
  EXPECT_NEAR((*losses)[0], std::log(2), 0.2);  // Of scores of about one half.
}

TEST_F(CalibratedShop, OfflineTrainingFitsItToo) {
  auto learner = CreateOfflineLearner(spec_, LearnerOptions());
  for (int step = 0; step < 30; ++step) {
    const OwnedExamples rows = Rows(step, 16);
    const ExamplesView view = rows.View();
    const ExampleSlice slice{&view, 0, view.rows(), ""};
    EncodedExamples encoded;
    FeatureEncoder(spec_, HashKey()).AppendRows(FeatureStatistics(), 0, view.features, 0, view.rows(), encoded.inputs);
    CollectLabels(*spec_, absl::MakeConstSpan(&slice, 1), encoded.labels);
    ASSERT_TRUE((*learner)->LearnEncoded(encoded).ok());
  }
  EXPECT_THAT(Scores(spec_, **learner), Pointwise(FloatNear(1e-6f), Scores(spec_, *learner_)));
}

TEST_F(CalibratedShop, SaveLoadContinueEqualsNoBreakToTheBit) {
  ASSERT_TRUE(learner_->SaveCheckpoint(directory_.path() / "middle", 0).ok());
  auto loaded = LoadLearner(spec_, LearnerOptions(), directory_.path() / "middle");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(Scores(spec_, *loaded->learner), Scores(spec_, *learner_));
  for (int step = 30; step < 40; ++step) {
    Learn(*learner_, Rows(step, 3));
    Learn(*loaded->learner, Rows(step, 3));
  }
  const auto digest = [this](Learner& of, const char* name) {
    EXPECT_TRUE(of.SaveCheckpoint(directory_.path() / name, 0).ok());
    return InspectCheckpoint(directory_.path() / name).state_digest;
  };
  EXPECT_EQ(digest(*learner_, "a"), digest(*loaded->learner, "b"));
}

TEST_F(CalibratedShop, IsTakenOverByNameAndMayComeAndGo) {
  ASSERT_TRUE(learner_->SaveCheckpoint(directory_.path() / "old", 0).ok());
  const auto more = ParseModel(HeadsModel(
      "\"buy\", \"click\"", absl::StrCat("tasks { name: \"buy\" binary {} calibration { platt {} } }\n", kCalibrated,
                                         kStill, "scenes { name: \"search\" tasks: [\"click\"] }")));
  auto loaded = LoadLearner(more, LearnerOptions(), directory_.path() / "old");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(Scores(more, *loaded->learner), Scores(spec_, *learner_));

  const auto without = ParseModel(HeadsModel("\"click\"", absl::StrCat(kPlain, kStill)));
  loaded = LoadLearner(without, LearnerOptions(), directory_.path() / "old");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->changes, Contains("dropped: calibration of task 'click'"));
}

// Products multiply what the network says, and have a calibration of their own.
TEST(CalibrationLearning, AProductsFactorsCountUncalibrated) {
  const std::string tasks = R"(
    tasks { name: "click" binary {} calibration { platt { half_life_rows: 500 } } }
    tasks { name: "cvr" binary {} }
    tasks { name: "purchase" product { tasks: ["click", "cvr"] } }
  )";
  const std::string names = "\"click\", \"cvr\", \"purchase\"";
  const auto spec = ParseModel(HeadsModel(names, absl::StrCat(tasks, kStill)));
  const auto plain_spec = ParseModel(HeadsModel(
      names, absl::StrReplaceAll(absl::StrCat(tasks, kStill), {{"platt { half_life_rows: 500 }", "platt {}"}})));
  const auto own_spec = ParseModel(HeadsModel(
      names, absl::StrReplaceAll(absl::StrCat(tasks, kStill),
                                 {{"\"cvr\"] }", "\"cvr\"] } calibration { platt { half_life_rows: 500 } }"}})));
  const auto learner = NewLearner(spec);
  const auto fresh = NewLearner(plain_spec);
  const auto own = NewLearner(own_spec);
  for (int step = 0; step < 60; ++step) {
    OwnedExamples rows = Rows(step, 16);
    rows.labels.push_back(rows.labels[0]);
    rows.labels.back().task = "purchase";
    Learn(*learner, rows);
    Learn(*own, rows);
  }
  const OwnedExamples rows = Rows(0, 2);
  EXPECT_THAT(Score(spec, *SnapshotOf(*learner), rows.features, "shop", "purchase"),
              Pointwise(FloatNear(1e-5f), Score(plain_spec, *SnapshotOf(*fresh), rows.features, "shop", "purchase")));
  EXPECT_THAT(Score(own_spec, *SnapshotOf(*own), rows.features, "shop", "purchase"), Each(FloatNear(1 / 16.0f, 0.03f)));
}

// Two scenes of one request batch: each by its own numbers.
TEST(CalibrationLearning, EveryScenesNumbersAreItsOwn) {
  const auto spec = ParseModel(
      HeadsModel("\"click\"", absl::StrCat(kCalibrated, kStill, "scenes { name: \"search\" tasks: [\"click\"] }")));
  const auto learner = NewLearner(spec);
  for (int step = 0; step < 100; ++step) {
    OwnedExamples rows = Rows(step, step % 2 == 0 ? 2 : 16);
    rows.scene = step % 2 == 0 ? "shop" : "search";
    Learn(*learner, rows);
  }
  const OwnedExamples rows = Rows(0, 2);
  const TableView view = [&rows] {
    static Table one;
    one.rows = 1;
    one.columns.clear();
    one.Add("item", ValueType::kInt64).ints = {rows.features.columns[0].ints[0]};
    one.Add("x", ValueType::kFloat).floats = {rows.features.columns[1].floats[0]};
    return one.View();
  }();
  auto predictor = CreatePredictor(spec, HashKey(), "cpu");
  const int click = 0;
  std::vector<ScoreRequest> requests(2);
  for (int scene = 0; scene < 2; ++scene) {
    requests[scene].scene = scene;
    requests[scene].context = &view;
    requests[scene].tasks = absl::MakeConstSpan(&click, 1);
  }
  const auto results = (*predictor)->Score(*SnapshotOf(*learner), requests);
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_NEAR((*results)[0].tasks[0].values[0], 0.5, 0.1);
  EXPECT_NEAR((*results)[1].tasks[0].values[0], 1 / 16.0, 0.03);
}

}  // namespace
}  // namespace polyscene
