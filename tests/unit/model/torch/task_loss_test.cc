// Focal and Poisson losses, what they predict, and that they learn.
#include "model/loss/task_loss.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "model/loss/row_loss.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

TaskSpec Focal(double gamma) {
  TaskSpec task;
  task.focal_gamma = gamma;
  return task;
}

TaskSpec Poisson() {
  TaskSpec task;
  task.kind = TaskSpec::Kind::kRegression;
  task.poisson = true;
  return task;
}

torch::Tensor Column(std::vector<double> values) { return torch::tensor(values, torch::kFloat64).reshape({-1, 1}); }

double Loss(const TaskSpec& task, const torch::Tensor& logits, const torch::Tensor& labels) {
  const torch::Tensor weights = torch::ones({logits.size(0)}, logits.options());
  return TaskLoss(task, logits, labels, weights, logits.size(0)).item<double>();
}

// Autograd's gradient against differences, in double precision.
void ExpectGradientIsNumeric(const TaskSpec& task, double logit, double label) {
  torch::Tensor z = Column({logit}).requires_grad_(true);
  TaskLoss(task, z, Column({label}), torch::ones({1}, torch::kFloat64), 1).backward();
  const double h = 1e-6;
  const double numeric =
      (Loss(task, Column({logit + h}), Column({label})) - Loss(task, Column({logit - h}), Column({label}))) / (2 * h);
  EXPECT_NEAR(z.grad().item<double>(), numeric, 1e-6 * std::max(1.0, std::abs(numeric)))
      << "logit " << logit << ", label " << label;
}

TEST(FocalLossTest, IsCrossEntropyTimesThePowerOfTheMiss) {
  // p = 0.8: (1 - p)^2 x -log p for a positive, p^2 x -log(1 - p) for a negative.
  const double logit = std::log(4.0);
  EXPECT_NEAR(Loss(Focal(2), Column({logit}), Column({1})), 0.04 * -std::log(0.8), 1e-9);
  EXPECT_NEAR(Loss(Focal(2), Column({logit}), Column({0})), 0.64 * -std::log(0.2), 1e-9);
  EXPECT_NEAR(Loss(Focal(0.5), Column({logit, logit}), Column({1, 0})),
              (std::sqrt(0.2) * -std::log(0.8) + std::sqrt(0.8) * -std::log(0.2)) / 2, 1e-9);
}

TEST(FocalLossTest, ItsGradientIsNumericAndFiniteFarOut) {
  for (const double logit : {-3.0, -0.1, 0.4, 5.0}) {
    for (const double label : {0.0, 1.0}) ExpectGradientIsNumeric(Focal(0.5), logit, label);
    for (const double label : {0.0, 1.0}) ExpectGradientIsNumeric(Focal(2), logit, label);
  }
  for (const float logit : {-200.0f, 200.0f}) {  // In single precision, where 1 - p is 0.
    torch::Tensor z = torch::full({1, 1}, logit).requires_grad_(true);
    const torch::Tensor loss = TaskLoss(Focal(0.5), z, torch::ones({1, 1}), torch::ones({1}), 1);
    loss.backward();
    EXPECT_TRUE(std::isfinite(loss.item<float>()));
    EXPECT_TRUE(std::isfinite(z.grad().item<float>())) << logit;
  }
}

TEST(PoissonLossTest, IsTheLikelihoodUpToWhatTheLabelSays) {
  // exp(z) - y z, plus y log y - y.
  EXPECT_NEAR(Loss(Poisson(), Column({1}), Column({3})), std::exp(1) - 3 + 3 * std::log(3) - 3, 1e-9);
  EXPECT_NEAR(Loss(Poisson(), Column({-2}), Column({0})), std::exp(-2), 1e-9);
  EXPECT_NEAR(Loss(Poisson(), Column({std::log(7)}), Column({7})), 0, 1e-9);
}

TEST(PoissonLossTest, ItsGradientIsTheErrorOfTheCount) {
  for (const double logit : {-3.0, 0.0, 2.0, 20.0}) {
    for (const double label : {0.0, 1.0, 40.0}) ExpectGradientIsNumeric(Poisson(), logit, label);
  }
  torch::Tensor z = Column({1}).requires_grad_(true);
  TaskLoss(Poisson(), z, Column({3}), torch::ones({1}, torch::kFloat64), 1).backward();
  EXPECT_NEAR(z.grad().item<double>(), std::exp(1) - 3, 1e-9);
}

TEST(PoissonLossTest, NeitherItsScoreNorItsGradientOutgrowsTheLargestLabel) {
  torch::Tensor z = torch::full({1, 1}, 500.0f).requires_grad_(true);
  const torch::Tensor loss = TaskLoss(Poisson(), z, torch::zeros({1, 1}), torch::ones({1}), 1);
  loss.backward();
  EXPECT_TRUE(std::isfinite(loss.item<float>()));
  EXPECT_NEAR(z.grad().item<float>(), 1e6, 1);
  EXPECT_NEAR(ServedScores(Poisson(), LabelScale(), z.detach()).item<float>(), 1e6, 1);
}

TEST(PoissonLossTest, ScoresAreTheExponentialForCallersAndEvaluation) {
  const torch::Tensor logits = Column({0, std::log(5), -30});
  for (const torch::Tensor& scores :
       {ServedScores(Poisson(), LabelScale(), logits), EvaluatedScores(Poisson(), LabelScale(), logits)}) {
    EXPECT_NEAR(scores[0].item<double>(), 1, 1e-9);
    EXPECT_NEAR(scores[1].item<double>(), 5, 1e-9);
    EXPECT_GE(scores[2].item<double>(), 0);
  }
  EXPECT_EQ(EvaluatedLabel(Poisson(), 5), 5);
  EXPECT_EQ(TransformLabel(Poisson(), LabelScale(), 5), 5);
}

// Counts whose mean grows exponentially with x, and clicks whose probability does not matter to it.
TEST(LossesTest, ACountIsLearnedAndServedInItsOwnUnit) {
  const auto spec = ParseModel(R"(
    name: "counts"
    features { name: "x" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }
    scenes { name: "shop" tasks: ["visits", "week"] }
    tasks { name: "visits" regression { loss { poisson {} } } }
    tasks { name: "week" forecast { horizon: 2 loss { poisson {} } } }
    network { shared_bottom { hidden: [16] } }
    dense_optimizer { adam { learning_rate: 0.01 } }
  )");
  OwnedExamples rows;
  rows.features.rows = 64;
  std::vector<float> xs, visits, week;
  for (int r = 0; r < 64; ++r) {
    xs.push_back(static_cast<float>(r % 16) / 8 - 1);
    visits.push_back(std::exp(2 * xs.back()));
    week.push_back(r % 4 == 0 ? 4.0f : 0.0f);  // A mean of 1, whatever x.
    week.push_back(3);
  }
  rows.features.Add("x", ValueType::kFloat).floats = xs;
  rows.labels = {{"visits", visits, {}}, {"week", week, {}}};
  const auto learner = NewLearner(spec);
  for (int step = 0; step < 1'500; ++step) Learn(*learner, rows);
  learner->OpenEvaluation("test", 0);
  Learn(*learner, rows, "test");

  const auto snapshot = learner->MakeSnapshot(1, 0).value();
  const std::vector<float> served = Score(spec, *snapshot, rows.features, "shop", "visits");
  for (int r = 0; r < 16; ++r) EXPECT_NEAR(served[r], visits[r], 0.08f * visits[r] + 0.05f);
  EXPECT_GT(Figure(learner->OpenedEvaluations()[0].second, "shop", "visits", "r2"), 0.99);
  EXPECT_NEAR(Score(spec, *snapshot, rows.features, "shop", "week")[1], 3, 0.05);
}

TEST(RowLossTest, IsWhatTheTasksLossMakesOfTheRow) {
  TaskSpec squared, huber, quantile, kinds;
  squared.kind = huber.kind = quantile.kind = TaskSpec::Kind::kRegression;
  squared.center = huber.center = 1;
  huber.huber = true;
  huber.huber_delta = 0.5;
  quantile.quantile = 0.9;
  quantile.scale = 2;
  kinds.kind = TaskSpec::Kind::kMultiClass;
  kinds.outputs = 3;
  const auto expect = [](const TaskSpec& task, const torch::Tensor& logits, double label) {
    const LabelScale scale = ScaleOf(task, FeatureStatistics());
    const torch::Tensor scores = EvaluatedScores(task, scale, logits).to(torch::kFloat32).contiguous();
    const float evaluated = static_cast<float>(label);
    const double transformed = TransformLabel(task, scale, evaluated);
    const double loss =
        RowLoss(task, scale, {scores.data_ptr<float>(), static_cast<size_t>(task.outputs)}, {&evaluated, 1});
    EXPECT_NEAR(loss, Loss(task, logits, Column({transformed})), 1e-5 * std::max(1.0, loss));
  };
  for (const double logit : {-2.0, 0.3, 1.5}) {
    for (const double label : {0.0, 1.0}) {
      expect(TaskSpec(), Column({logit}), label);
      expect(Focal(2), Column({logit}), label);
    }
    for (const double label : {0.0, 1.0, 4.0}) {
      expect(Poisson(), Column({logit}), label);
      expect(squared, Column({logit}), label);
      expect(huber, Column({logit}), label);
      expect(quantile, Column({logit}), label);
    }
    for (const double label : {0.0, 2.0}) expect(kinds, torch::tensor({{logit, 0.5, -1.0}}, torch::kFloat64), label);
  }
}

}  // namespace
}  // namespace polyscene
