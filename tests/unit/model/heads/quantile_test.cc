// Quantiles of a label by the pinball loss.
#include <gmock/gmock.h>
#include <torch/torch.h>

#include <cmath>

#include "model/loss/task_loss.h"
#include "tests/unit/model/heads/heads_fixture.h"

namespace polyscene {
namespace {

using ::testing::DoubleNear;

TaskSpec Quantile(double quantile) {
  TaskSpec task;
  task.kind = TaskSpec::Kind::kRegression;
  task.quantile = quantile;
  return task;
}

torch::Tensor Column(const std::vector<double>& values) { return torch::tensor(values, torch::kFloat64).view({-1, 1}); }

double Loss(double quantile, double logit, double label) {
  return TaskLoss(Quantile(quantile), Column({logit}), Column({label}), torch::ones({1}, torch::kFloat64), 1)
      .item<double>();
}

TEST(Pinball, WhatIsMissedCountsByTheQuantile) {
  EXPECT_THAT(Loss(0.9, 1, 3), DoubleNear(0.9 * 2, 1e-12));
  EXPECT_THAT(Loss(0.9, 1, 0), DoubleNear(0.1 * 1, 1e-12));
  EXPECT_THAT(Loss(0.5, 1, 0), DoubleNear(0.5, 1e-12));  // Half the absolute error.
  EXPECT_EQ(Loss(0.9, 1, 1), 0);
}

TEST(Pinball, ItsGradientIsTheDifferences) {
  constexpr double kStep = 1e-6;
  for (const double quantile : {0.1, 0.5, 0.99}) {
    for (const double label : {-1.0, 0.2, 4.0}) {
      const torch::Tensor logit = Column({0.5}).requires_grad_(true);
      TaskLoss(Quantile(quantile), logit, Column({label}), torch::ones({1}, torch::kFloat64), 1).backward();
      const double difference = (Loss(quantile, 0.5 + kStep, label) - Loss(quantile, 0.5 - kStep, label)) / (2 * kStep);
      EXPECT_NEAR(logit.grad().item<double>(), difference, 1e-8) << quantile << " " << label;
    }
  }
}

// Three tasks with the labels of one, whose noise is uniform over [0, 1].
TEST(Pinball, LearnsTheQuantilesOfOneLabel) {
  const auto spec = ParseModel(HeadsModel("\"p10\", \"p50\", \"p90\"", R"(
    tasks { name: "p10" regression { loss { pinball { quantile: 0.1 } } } column: "y" }
    tasks { name: "p50" regression { loss { pinball {} } } column: "y" }
    tasks { name: "p90" regression { loss { pinball { quantile: 0.9 } } } column: "y" }
    network { shared_bottom { hidden: [8] } }
    dense_optimizer { adam { learning_rate: 0.005 } }
  )"));
  EXPECT_EQ(spec->tasks()[1].quantile, 0.5);
  const auto learner = NewLearner(spec);
  uint64_t state = 1;
  for (int step = 0; step < 800; ++step) {
    OwnedExamples rows = HeadsRows(step);
    AddLabel(rows, "p50", [&state](int64_t, float x) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      return 2 * x + static_cast<float>(state >> 40) / static_cast<float>(1 << 24);
    });
    for (const char* task : {"p10", "p90"}) {
      rows.labels.push_back(rows.labels[0]);
      rows.labels.back().task = task;
    }
    if (step == 600) learner->OpenEvaluation("test", 0);
    Learn(*learner, rows, "test");
  }
  const auto figures = learner->OpenedEvaluations().at(0).second;
  EXPECT_NEAR(Figure(figures, "shop", "p10", "coverage"), 0.1, 0.04);
  EXPECT_NEAR(Figure(figures, "shop", "p50", "coverage"), 0.5, 0.06);
  EXPECT_NEAR(Figure(figures, "shop", "p90", "coverage"), 0.9, 0.04);
  // Of a uniform label the best are q (1 - q) / 2.
  EXPECT_NEAR(Figure(figures, "shop", "p10", "pinball"), 0.045, 0.01);
  EXPECT_NEAR(Figure(figures, "shop", "p50", "pinball"), 0.125, 0.015);
}

}  // namespace
}  // namespace polyscene
