// What each paper claims of its network, on data that plants the condition for it, learned online over several seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/planted_tasks.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

constexpr int kSeeds = 4;
constexpr int kSteps = 400;
constexpr int kEvaluated = 20;  // Steps at the end, each scored before it is learned.
constexpr int kStepRows = 128;

OwnedExamples Examples(PlantedTasks::Rows rows) {
  OwnedExamples examples;
  examples.scene = std::move(rows.scene);
  examples.features = std::move(rows.features);
  for (size_t t = 0; t < rows.tasks.size(); ++t) {
    examples.labels.push_back({rows.tasks[t], std::move(rows.labels[t]), {}});
  }
  return examples;
}

// The squared error of each task over the last steps, the noise's part taken off, as a mean over seeds.
std::vector<double> Errors(const std::string& network, PlantedOptions options) {
  std::vector<double> errors(options.tasks, 0);
  for (int seed = 1; seed <= kSeeds; ++seed) {
    options.seed = static_cast<uint64_t>(seed);
    PlantedTasks planted(options);
    const auto learner = NewLearner(ParseModel(
        planted.ModelText(absl::StrCat("network { ", network, " } dense_optimizer { adam { learning_rate: 0.01 } }"))));
    for (int step = 0; step < kSteps; ++step) {
      if (step == kSteps - kEvaluated) learner->OpenEvaluation("claims", 0);
      Learn(*learner, Examples(planted.Draw(step % options.scenes, kStepRows)), "claims");
    }
    const auto figures = learner->OpenedEvaluations().at(0).second;
    for (int t = 0; t < options.tasks; ++t) {
      const double mse = Figure(figures, options.scenes == 1 ? "s0" : "*", absl::StrCat("y", t), "mse");
      errors[t] += (mse - options.noise * options.noise) / kSeeds;
    }
  }
  std::string line = network + ":";
  for (const double error : errors) absl::StrAppend(&line, " ", error);
  std::printf("  %s\n", line.c_str());
  return errors;
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Ma et al.: the less tasks have in common, the more experts that each task mixes for itself are worth.
TEST(Claims, MmoeBeatsSharedBottomWhereTasksHaveLittleInCommon) {
  PlantedOptions options;
  options.task_correlation = 0;
  const double shared = Mean(Errors("shared_bottom { hidden: [32, 8] }", options));
  const double mmoe = Mean(Errors("mmoe { experts: 4 hidden: [8, 8] }", options));
  EXPECT_LT(mmoe, 0.9 * shared);
}

// Tang et al.: of two tasks that pull apart neither pays for the other, as both do in layers that they share and that
// are as wide as each one's alone; nor is it the number of weights that saves them.
TEST(Claims, PleResistsTheSeesaw) {
  PlantedOptions options;
  options.task_correlation = -0.3;
  const std::vector<double> alone = Errors("single { hidden: [16] }", options);
  const std::vector<double> shared = Errors("shared_bottom { hidden: [16] }", options);
  const std::vector<double> wide = Errors("shared_bottom { hidden: [48] }", options);
  const std::vector<double> ple = Errors("ple { shared_experts: 1 hidden: [16] }", options);
  EXPECT_GT(std::max(shared[0] / alone[0], shared[1] / alone[1]), 1.2);
  for (int t = 0; t < options.tasks; ++t) {
    EXPECT_LT(ple[t], 1.1 * alone[t]) << "y" << t;
    EXPECT_LT(ple[t], 0.8 * wide[t]) << "y" << t;
  }
}

// Sheng et al.: weights of each scene beside the shared ones, where scenes differ.
TEST(Claims, StarBeatsNoAdaptationWhereScenesDiffer) {
  PlantedOptions options;
  options.tasks = 1;
  options.scenes = 3;
  options.scene_correlation = 0.7;
  const double none = Mean(Errors("shared_bottom { hidden: [32, 16] }", options));
  const double star = Mean(Errors("shared_bottom { hidden: [32, 16] } scene_adaptation: STAR", options));
  EXPECT_LT(star, 0.7 * none);
}

}  // namespace
}  // namespace polyscene
