// Sequences pooled by attention, learned and served.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/support/temp_directory.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

std::string Model(const std::string& pooling) {
  return absl::StrCat(R"(
    name: "attention"
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 8 } } } }
    features { name: "seen" side: CONTEXT type: INT64 sequence { )",
                      pooling, R"( } encode { hash { embedding { dimension: 8 table: "item" } } } }
    scenes { name: "shop" tasks: ["click"] }
    tasks { name: "click" binary {} }
    dense_optimizer { adam { learning_rate: 0.01 } }
    network { shared_bottom { hidden: [16] } }
  )");
}
constexpr char kAttention[] = "pooling: ATTENTION attention { to: \"item\" hidden: 16 }";

// An item is clicked mostly where it is among the five seen before: what a sum of all five hardly tells.
OwnedExamples Draw(std::mt19937_64& random, int rows) {
  constexpr int kItems = 40;
  OwnedExamples examples;
  Table& table = examples.features;
  table.rows = rows;
  Column item, seen;
  item.name = "item";
  seen.name = "seen";
  OwnedExamples::TaskLabels click{"click", {}, {}};
  for (int row = 0; row < rows; ++row) {
    const int64_t candidate = static_cast<int64_t>(random() % kItems);
    const bool again = random() % 2 == 0;
    const size_t place = random() % 5;
    for (size_t i = 0; i < 5; ++i) {
      const int64_t other = (candidate + 1 + static_cast<int64_t>(random() % (kItems - 1))) % kItems;
      seen.ints.push_back(again && i == place ? candidate : other);
    }
    seen.lengths.push_back(5);
    item.ints.push_back(candidate);
    click.values.push_back(again ? 1.0f : 0.0f);
  }
  table.columns = {item, seen};
  examples.labels = {click};
  return examples;
}

double Auc(const std::string& pooling) {
  std::mt19937_64 random(5);
  const auto learner = NewLearner(ParseModel(Model(pooling)));
  for (int step = 0; step < 300; ++step) {
    if (step == 270) learner->OpenEvaluation("attention", 0);
    Learn(*learner, Draw(random, 256), "attention");
  }
  return Figure(learner->OpenedEvaluations().at(0).second, "shop", "click", "auc");
}

TEST(AttentionLearning, FindsTheCandidateAmongWhatWasSeen) {
  const double mean = Auc("pooling: MEAN");
  const double attention = Auc(kAttention);
  std::printf("  AUC: mean %.3f, attention %.3f\n", mean, attention);
  EXPECT_GT(attention, mean + 0.1);
}

TEST(AttentionLearning, WhatIsServedIsWhatIsLearned) {
  const auto spec = ParseModel(Model(kAttention));
  const auto learner = NewLearner(spec);
  std::mt19937_64 random(6);
  for (int step = 0; step < 20; ++step) Learn(*learner, Draw(random, 64));
  const OwnedExamples rows = Draw(random, 50);
  const std::vector<float> scores = Score(spec, **learner->MakeSnapshot(1, 0), rows.features, "shop", "click");
  double loss = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    loss -= std::log(rows.labels[0].values[i] > 0 ? scores[i] : 1 - scores[i]) / static_cast<double>(scores.size());
  }
  EXPECT_NEAR(Learn(*learner, rows).task_losses[0], loss, 1e-5);
}

TEST(AttentionLearning, SaveLoadContinueEqualsNoBreak) {
  const TempDirectory directory;
  const auto spec = ParseModel(Model(kAttention));
  const auto learner = NewLearner(spec);
  std::mt19937_64 random(7);
  for (int step = 0; step < 5; ++step) Learn(*learner, Draw(random, 64));
  ASSERT_TRUE(learner->SaveCheckpoint(directory.path() / "half", 0).ok());
  auto loaded = LoadLearner(spec, LearnerOptions(), directory.path() / "half");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  for (int step = 0; step < 5; ++step) {
    const OwnedExamples rows = Draw(random, 64);
    EXPECT_EQ(Learn(*learner, rows).loss, Learn(*loaded->learner, rows).loss) << step;
  }
}

TEST(AttentionLearning, RowsThatHaveSeenNothingAreScored) {
  const auto spec = ParseModel(Model(kAttention));
  const auto learner = NewLearner(spec);
  Table table;
  table.rows = 2;
  table.Add("item", ValueType::kInt64).ints = {1, 2};
  const std::vector<float> scores = Score(spec, **learner->MakeSnapshot(1, 0), table, "shop", "click");
  EXPECT_TRUE(std::isfinite(scores[0]) && std::isfinite(scores[1]));
}

}  // namespace
}  // namespace polyscene
