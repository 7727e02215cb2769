// Products learn through their factors: ESMM.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_replace.h"
#include "model/learning/inspection.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/model/heads/heads_fixture.h"

namespace polyscene {
namespace {

using ::testing::Contains;
using ::testing::FloatNear;
using ::testing::Pointwise;

constexpr char kEsmm[] = R"(
  tasks { name: "click" binary {} }
  tasks { name: "cvr" binary {} evaluate_only: true }
  tasks { name: "purchase" product { tasks: ["click", "cvr"] } }
  network { shared_bottom { hidden: [8] } tower: [4] }
  dense_optimizer { adam { learning_rate: 0.02 } }
)";
constexpr char kTasks[] = "\"click\", \"cvr\", \"purchase\"";

bool Clicked(int64_t item) { return item % 2 == 0; }
bool Bought(int64_t item) { return item % 4 == 0; }

// Of every second item there are clicks, of half of these purchases.
OwnedExamples Rows(int step) {
  OwnedExamples rows = HeadsRows(step);
  AddLabel(rows, "click", [](int64_t item, float) { return Clicked(item); });
  AddLabel(rows, "purchase", [](int64_t item, float) { return Bought(item); });
  return rows;
}

std::string Digest(Learner& learner, const std::filesystem::path& path) {
  EXPECT_TRUE(learner.SaveCheckpoint(path, 0).ok());
  return InspectCheckpoint(path).state_digest;
}

TEST(ProductLearning, ATaskWithoutALabelIsLearnedThroughTheProduct) {
  const auto spec = ParseModel(HeadsModel(kTasks, kEsmm));
  const auto learner = NewLearner(spec);
  for (int step = 0; step < 200; ++step) Learn(*learner, Rows(step));
  const OwnedExamples rows = Rows(0);
  const auto snapshot = SnapshotOf(*learner);
  const std::vector<float> cvr = Score(spec, *snapshot, rows.features, "shop", "cvr");
  for (size_t r = 0; r < cvr.size(); ++r) {
    const int64_t item = rows.features.columns[0].ints[r];
    if (!Clicked(item)) continue;
    EXPECT_EQ(cvr[r] > 0.5, Bought(item)) << "item " << item;
  }
}

TEST(ProductLearning, ServesTheProductOfItsFactorsScores) {
  const auto spec = ParseModel(HeadsModel(kTasks, kEsmm));
  const auto learner = NewLearner(spec);
  for (int step = 0; step < 20; ++step) Learn(*learner, Rows(step));
  const OwnedExamples rows = Rows(0);
  const auto snapshot = SnapshotOf(*learner);
  std::vector<float> product = Score(spec, *snapshot, rows.features, "shop", "click");
  const std::vector<float> cvr = Score(spec, *snapshot, rows.features, "shop", "cvr");
  for (size_t r = 0; r < product.size(); ++r) product[r] *= cvr[r];
  // Score() asks for one task and checks that it alone is answered.
  EXPECT_THAT(Score(spec, *snapshot, rows.features, "shop", "purchase"), Pointwise(FloatNear(1e-6f), product));
}

TEST(ProductLearning, ALossOnTheProductIsItsCrossEntropy) {
  const auto learner = NewLearner(ParseModel(HeadsModel(kTasks, absl::StrCat(kEsmm, "seed: 3"))));
  OwnedExamples rows = Rows(0);
  const auto spec = ParseModel(HeadsModel(kTasks, absl::StrCat(kEsmm, "seed: 3")));
  const std::vector<float> p = Score(spec, *SnapshotOf(*learner), rows.features, "shop", "purchase");
  double expected = 0;
  for (size_t r = 0; r < p.size(); ++r) {
    expected -= std::log(rows.labels[1].values[r] == 1 ? p[r] : 1 - p[r]) / static_cast<double>(p.size());
  }
  EXPECT_NEAR(Learn(*learner, rows).task_losses[2], expected, 1e-5);
}

// Labels of an evaluate_only task change no weight, and are evaluated.
TEST(ProductLearning, EvaluateOnlyIsEvaluatedAndNotLearned) {
  TempDirectory directory;
  const auto spec = ParseModel(HeadsModel(kTasks, kEsmm));
  const auto with = NewLearner(spec);
  const auto without = NewLearner(spec);
  for (int step = 0; step < 5; ++step) {
    OwnedExamples rows = Rows(step);
    Learn(*without, rows);
    AddLabel(rows, "cvr", [](int64_t item, float) { return Bought(item); });
    const StepReport report = Learn(*with, rows);
    EXPECT_TRUE(std::isnan(report.task_losses[1]));
  }
  const auto figures = with->RecentEvaluation();
  const auto cvr = std::find_if(figures.begin(), figures.end(), [](const auto& f) { return f.task == "cvr"; });
  ASSERT_NE(cvr, figures.end());
  EXPECT_EQ(cvr->rows, 5 * 32);
  const OwnedExamples rows = Rows(0);
  EXPECT_EQ(Score(spec, *SnapshotOf(*with), rows.features, "shop", "cvr"),
            Score(spec, *SnapshotOf(*without), rows.features, "shop", "cvr"));
}

// Rows of a factor and of its product may be any: each loss is over its own.
TEST(ProductLearning, FactorsAndProductsMayHaveLabelsOnDifferentRows) {
  const auto spec = ParseModel(HeadsModel(kTasks, kEsmm));
  const auto learner = NewLearner(spec);
  OwnedExamples rows = Rows(0);
  for (uint32_t r = 0; r < 32; ++r) {
    if (r % 4 != 0) rows.labels[0].missing.push_back(r);
    if (r % 8 != 3) rows.labels[1].missing.push_back(r);
  }
  const std::vector<float> click = Score(spec, *SnapshotOf(*learner), rows.features, "shop", "click");
  const std::vector<float> purchase = Score(spec, *SnapshotOf(*learner), rows.features, "shop", "purchase");
  const auto mean = [&rows](const std::vector<float>& p, const std::vector<float>& labels, size_t first, size_t every) {
    double loss = 0;
    for (size_t r = first; r < 32; r += every) loss -= std::log(labels[r] == 1 ? p[r] : 1 - p[r]);
    return loss * static_cast<double>(every) / 32;
  };
  const StepReport report = Learn(*learner, rows);
  EXPECT_NEAR(report.task_losses[0], mean(click, rows.labels[0].values, 0, 4), 1e-5);
  EXPECT_NEAR(report.task_losses[2], mean(purchase, rows.labels[1].values, 3, 8), 1e-5);
}

TEST(ProductLearning, SaveLoadContinueEqualsNoBreakToTheBit) {
  TempDirectory directory;
  const auto spec =
      ParseModel(HeadsModel(kTasks, absl::StrCat(kEsmm, "loss_balance { grad_norm { every_steps: 2 } pcgrad: true }")));
  const auto learner = NewLearner(spec);
  for (int step = 0; step < 7; ++step) Learn(*learner, Rows(step));
  ASSERT_TRUE(learner->SaveCheckpoint(directory.path() / "middle", 0).ok());
  auto loaded = LoadLearner(spec, LearnerOptions(), directory.path() / "middle");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  for (int step = 7; step < 15; ++step) {
    ASSERT_EQ(Learn(*learner, Rows(step)).loss, Learn(*loaded->learner, Rows(step)).loss) << "step " << step;
  }
  EXPECT_EQ(Digest(*learner, directory.path() / "a"), Digest(*loaded->learner, directory.path() / "b"));
}

// A product may come and go: its factors stay what they are.
TEST(ProductLearning, AProductIsTakenOverByName) {
  TempDirectory directory;
  const auto spec = ParseModel(HeadsModel(kTasks, kEsmm));
  const auto learner = NewLearner(spec);
  for (int step = 0; step < 7; ++step) Learn(*learner, Rows(step));
  ASSERT_TRUE(learner->SaveCheckpoint(directory.path() / "with", 0).ok());
  const OwnedExamples rows = Rows(0);

  const auto of_its_own = ParseModel(HeadsModel(
      kTasks, absl::StrReplaceAll(
                  kEsmm, {{"product { tasks: [\"click\", \"cvr\"] }", "binary {}"}, {"evaluate_only: true", ""}})));
  auto loaded = LoadLearner(of_its_own, LearnerOptions(), directory.path() / "with");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->changes, Contains("new: tower of task 'purchase'"));
  for (const char* task : {"click", "cvr"}) {
    EXPECT_EQ(Score(of_its_own, *SnapshotOf(*loaded->learner), rows.features, "shop", task),
              Score(spec, *SnapshotOf(*learner), rows.features, "shop", task));
  }
  ASSERT_TRUE(loaded->learner->SaveCheckpoint(directory.path() / "without", 0).ok());
  auto again = LoadLearner(spec, LearnerOptions(), directory.path() / "without");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(again->changes, Contains("dropped: tower of task 'purchase'"));
  EXPECT_EQ(Score(spec, *SnapshotOf(*again->learner), rows.features, "shop", "purchase"),
            Score(spec, *SnapshotOf(*learner), rows.features, "shop", "purchase"));
}

}  // namespace
}  // namespace polyscene
