// From losses to the joint gradient: on two weights by hand, and through a learner.
#include "model/balance/joint_loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "model/balance/separate_gradients.h"
#include "model/embedding/initial_row.h"
#include "model/learning/scene_losses.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::FloatNear;

TEST(SeparateGradientsTest, AreEachLossesOwnAndLeaveTheirGraph) {
  const torch::Tensor x = torch::tensor({1.0f, 2.0f}).requires_grad_(true);
  const torch::Tensor y = torch::tensor({{3.0f}}).requires_grad_(true);
  const torch::Tensor unused = torch::zeros({2}).requires_grad_(true);
  const torch::Tensor first = (x * x).sum();               // (2, 4)
  const torch::Tensor second = x[0] * y.sum() - 2 * x[1];  // (3, -2), 1
  const SeparateGradients gradients({first, second}, {x, y, unused});

  const GradientProducts products = gradients.Products();
  EXPECT_EQ(products.At(0, 0), 20);
  EXPECT_EQ(products.At(0, 1), -2);
  EXPECT_EQ(products.At(1, 1), 14);
  EXPECT_TRUE(torch::equal(gradients.Sum(0, {1, 2}), torch::tensor({8.0f, 0.0f})));
  EXPECT_TRUE(torch::equal(gradients.Sum(1, {1, 2}), torch::tensor({{2.0f}})));
  EXPECT_FALSE(gradients.Sum(2, {1, 2}).defined());
  EXPECT_FALSE(x.grad().defined());
  (first + second).backward();
  EXPECT_TRUE(torch::equal(x.grad(), torch::tensor({5.0f, 2.0f})));
}

// ---- on weights by hand ----

std::shared_ptr<const ModelSpec> TwoTasks(const std::string& balance) {
  return ParseModel(absl::StrCat(R"(
    name: "two"
    features { name: "x" side: CONTEXT type: FLOAT encode { numeric {} } }
    scenes { name: "shop" tasks: ["a", "b"] }
    scenes { name: "mail" tasks: ["a", "b"] }
    tasks { name: "a" binary {} weight: 2 }
    tasks { name: "b" binary {} }
    network { shared_bottom { hidden: [1] } }
    loss_balance { )",
                                 balance, " }"));
}

// Two shared weights, one of task a's tower, and an embedding row.
class JointLossTest : public testing::Test {
 protected:
  JointLossTest() {
    layout_.Add("head.a.weight", {1}, 0);  // Before the shared ones: places are found, not assumed.
    layout_.Add("bottom.0.weight", {2}, 0);
    parameters_ = std::make_unique<TrainedParameters>(layout_, torch::tensor({0.5f, 1.0f, 1.0f}));
    rows_ = {torch::ones({1, 1}).requires_grad_(true)};
  }

  // a: gradient (1, 0) on the shared weights, 3 on its tower, 0 on the row. b: (-4, 1), 0, 2.
  torch::Tensor Backward(JointLoss& joint, uint64_t step = 1) {
    const torch::Tensor& shared = parameters_->leaves[1];
    const torch::Tensor a = shared[0] + 3 * parameters_->leaves[0].sum();
    const torch::Tensor b = -4 * shared[0] + shared[1] + 2 * rows_[0].sum();
    rows_[0].mutable_grad() = torch::Tensor();
    return joint.Backward(step, {{0, a}, {1, b}},
                          [&](const std::vector<double>&) {
                            return std::vector<LossTerm>{{0, a + b}, {1, b}};
                          },
                          {*parameters_, rows_});
  }
  std::vector<float> Gradient() const {
    const float* values = parameters_->flat_gradient.data_ptr<float>();
    std::vector<float> gradient(values, values + 3);
    gradient.push_back(rows_[0].grad().item<float>());
    return gradient;
  }

  ParameterLayout layout_;
  std::unique_ptr<TrainedParameters> parameters_;
  std::vector<torch::Tensor> rows_;
};

TEST_F(JointLossTest, FixedWeightsSumTheLosses) {
  JointLoss joint(TwoTasks("fixed {}"), layout_);
  parameters_->flat_gradient.fill_(99);  // What is left of the step before.
  EXPECT_EQ(Backward(joint).item<float>(), 2 * 2.5f + (-4 + 1 + 2));
  EXPECT_THAT(Gradient(), ElementsAre(6, 2 - 4, 1, 2));
  EXPECT_THAT(joint.figures().task_weights, ElementsAre(2, 1));
}

TEST_F(JointLossTest, PcgradProjectsSharedWeightsAndRowsOnly) {
  JointLoss joint(TwoTasks("pcgrad: true"), layout_);
  parameters_->flat_gradient.fill_(99);
  EXPECT_EQ(Backward(joint).item<float>(), 2 * 2.5f - 1);
  // Weighted: a = (2, 0 | 0), b = (-4, 1 | 2). a.b = -8, |a|^2 = 4, |b|^2 = 21.
  // a' = a + 8/21 b, b' = b + 2 a; a' + b' = 3 a + 29/21 b. The tower has a's own.
  const double b = 29.0 / 21;
  EXPECT_THAT(Gradient(), ElementsAre(6, FloatNear(6 - 4 * b, 1e-5), FloatNear(b, 1e-5), FloatNear(2 * b, 1e-5)));
}

TEST_F(JointLossTest, UnderPcgradTheUpdateRaisesNeitherLossToFirstOrder) {
  const auto directional = [&](double a, double b) {  // Of the loss whose gradient is a x a's + b x b's, shared part.
    const std::vector<float> g = Gradient();
    return a * g[1] + b * (-4 * g[1] + g[2] + 2 * g[3]);
  };
  JointLoss plain(TwoTasks("fixed {}"), layout_);
  Backward(plain);
  EXPECT_LT(directional(1, 0), 0);  // Down the plain gradient a's loss rises.
  JointLoss joint(TwoTasks("pcgrad: true"), layout_);
  Backward(joint);
  EXPECT_GE(directional(1, 0), -1e-5);
  EXPECT_GE(directional(0, 1), -1e-5);
}

TEST_F(JointLossTest, MeasuresEverySoManyStepsOnceTheStepIsLearned) {
  JointLoss joint(TwoTasks("measure_every_steps: 2"), layout_);
  Backward(joint, 1);
  joint.Commit({1, 1});
  EXPECT_TRUE(std::isnan(joint.figures().tasks.norms[0]));
  Backward(joint, 2);
  EXPECT_TRUE(std::isnan(joint.figures().tasks.norms[0]));  // Not learned yet.
  const std::vector<float> gradient = Gradient();
  joint.Commit({1, 1});
  // Tasks without their weights: |a| = 1, |b| = sqrt(21), a.b = -4. Scenes: a + b = (-3, 1 | 2) and b: 12 + 1 + 4.
  const BalanceFigures figures = joint.figures();
  EXPECT_THAT(figures.tasks.norms, ElementsAre(DoubleNear(1, 1e-6), DoubleNear(std::sqrt(21), 1e-6)));
  EXPECT_NEAR(figures.tasks.cosines[1], -4 / std::sqrt(21), 1e-6);
  EXPECT_THAT(figures.scenes.norms, ElementsAre(DoubleNear(std::sqrt(14), 1e-6), DoubleNear(std::sqrt(21), 1e-6)));
  EXPECT_NEAR(figures.scenes.cosines[1], 17 / std::sqrt(14 * 21), 1e-6);

  JointLoss never(TwoTasks("measure_every_steps: -1"), layout_);
  Backward(never, 2);
  EXPECT_EQ(Gradient(), gradient);  // Measured or not.
}

TEST_F(JointLossTest, GradNormSeesTheNormsOfTheLossesAlone) {
  JointLoss joint(TwoTasks("grad_norm { every_steps: 1 learning_rate: 0.1 }"), layout_);
  Backward(joint);
  joint.Commit({1, 1});
  // Norms 1 and sqrt(21) = 4.5826, mean 2.7913: a gains exp(0.1 x 0.3583), b loses exp(0.1 x 1.6417); they sum to 2.
  const double a = std::exp(0.1 / 2.791288), b = std::exp(-0.1 * 4.582576 / 2.791288);
  EXPECT_THAT(joint.figures().task_weights,
              ElementsAre(DoubleNear(2 * 2 * a / (a + b), 1e-5), DoubleNear(2 * b / (a + b), 1e-5)));
  Backward(joint, 2);
  EXPECT_NEAR(Gradient()[0], 3 * 2 * 2 * a / (a + b), 1e-4);  // The tower's gradient has the new weight.
}

TEST_F(JointLossTest, TheStateFindsItsPlaceByName) {
  JointLoss joint(TwoTasks("uncertainty { learning_rate: 0.5 } measure_every_steps: 1"), layout_);
  const auto spec = TwoTasks("uncertainty { learning_rate: 0.5 } measure_every_steps: 1");
  Backward(joint);
  joint.Commit({5, 0.1});

  const auto other = ParseModel(R"(
    name: "three"
    features { name: "x" side: CONTEXT type: FLOAT encode { numeric {} } }
    scenes { name: "mail" tasks: ["a", "b", "c"] }
    tasks { name: "c" binary {} }
    tasks { name: "b" binary {} }
    tasks { name: "a" binary {} weight: 2 }
    network { shared_bottom { hidden: [1] } }
    loss_balance { uncertainty {} })");
  JointLoss moved(other, layout_);
  for (const JointLoss::Section& section : joint.Serialize()) {
    ASSERT_TRUE(JointLoss::IsSection(section.name));
    ASSERT_TRUE(moved.Restore(section.name, section.bytes, *spec).ok()) << section.name;
    EXPECT_EQ(moved.Restore(section.name, section.bytes + "x", *spec).code(), absl::StatusCode::kDataLoss);
  }
  const std::vector<double> before = joint.figures().task_weights;
  EXPECT_NE(before[1], 1);
  EXPECT_THAT(moved.figures().task_weights, ElementsAre(1, before[1], before[0]));
  EXPECT_THAT(moved.figures().tasks.norms,
              ElementsAre(testing::IsNan(), joint.figures().tasks.norms[1], joint.figures().tasks.norms[0]));
  EXPECT_THAT(moved.figures().scenes.norms, ElementsAre(joint.figures().scenes.norms[1]));
}

// ---- through a learner ----

// Two regressions of one signal: "wide" on `scale` times its scale, "noisy" with noise of deviation `noise`.
std::shared_ptr<const ModelSpec> Regressions(const std::string& balance) {
  return ParseModel(absl::StrCat(R"(
    name: "regressions"
    features { name: "x" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 2 } } } }
    scenes { name: "shop" tasks: ["first", "second"] }
    scenes { name: "mail" tasks: ["second"] }
    tasks { name: "first" regression {} }
    tasks { name: "second" regression {} }
    network { shared_bottom { hidden: [16] } }
    dense_optimizer { adam { learning_rate: 0.003 } }
    loss_balance { )",
                                 balance, " }"));
}

OwnedExamples Rows(uint64_t seed, double first_scale, double first_noise, double second_noise) {
  OwnedExamples rows;
  rows.scene = seed % 4 == 3 ? "mail" : "shop";
  rows.features.rows = 64;
  std::vector<float> xs, first, second;
  std::vector<int64_t> items;
  const auto uniform = [&seed] { return static_cast<double>(SignedUnit(SplitMix64(seed))); };  // Deviation 0.577.
  for (int r = 0; r < 64; ++r) {
    xs.push_back(static_cast<float>(uniform()));
    items.push_back(r % 5);
    const double signal = std::sin(2 * xs.back());
    first.push_back(static_cast<float>(first_scale * signal + first_noise * uniform() / 0.57735));
    second.push_back(static_cast<float>(signal + second_noise * uniform() / 0.57735));
  }
  rows.features.Add("x", ValueType::kFloat).floats = xs;
  rows.features.Add("item", ValueType::kInt64).ints = items;
  if (rows.scene == "shop") rows.labels.push_back({"first", first, {}});
  rows.labels.push_back({"second", second, {}});
  return rows;
}

TEST(BalancedLearningTest, MeasuringChangesNoBit) {
  for (const char* balance : {"", "pcgrad: true", "grad_norm { every_steps: 3 }"}) {
    const auto measured_spec = Regressions(absl::StrCat(balance, " measure_every_steps: 2"));
    const auto plain_spec = Regressions(absl::StrCat(balance, " measure_every_steps: -1"));
    const auto measured = NewLearner(measured_spec);
    const auto plain = NewLearner(plain_spec);
    for (int step = 0; step < 30; ++step) {
      const OwnedExamples rows = Rows(step, 3, 0.1, 0.1);
      ASSERT_EQ(Learn(*measured, rows).loss, Learn(*plain, rows).loss) << balance << " step " << step;
    }
    const OwnedExamples rows = Rows(100, 1, 0, 0);
    EXPECT_EQ(Score(measured_spec, *measured->MakeSnapshot(1, 0).value(), rows.features, "shop", "first"),
              Score(plain_spec, *plain->MakeSnapshot(1, 0).value(), rows.features, "shop", "first"));
    EXPECT_FALSE(std::isnan(measured->balance().tasks.cosines[1]));
    EXPECT_FALSE(std::isnan(measured->balance().scenes.norms[1]));
    EXPECT_TRUE(std::isnan(plain->balance().tasks.cosines[1]));
  }
}

// Chen et al.'s claim.
TEST(BalancedLearningTest, GradNormBringsTasksOfDifferentScaleToOneGradientNorm) {
  const auto ratio = [](const char* balance) {
    const auto learner = NewLearner(Regressions(balance));
    for (int step = 0; step < 1'200; ++step) Learn(*learner, Rows(4 * step, 5, 5, 1));
    const BalanceFigures figures = learner->balance();
    return figures.task_weights[0] * figures.tasks.norms[0] / (figures.task_weights[1] * figures.tasks.norms[1]);
  };
  EXPECT_GT(ratio("measure_every_steps: 10"), 10);
  const double balanced = ratio("grad_norm { every_steps: 2 alpha: 0.01 } measure_every_steps: 10");
  EXPECT_GT(balanced, 0.5);
  EXPECT_LT(balanced, 2);
}

// Kendall et al.'s claim: the weight is the inverse of the noise's variance.
TEST(BalancedLearningTest, UncertaintyWeighsInProportionToTheNoise) {
  const auto learner = NewLearner(Regressions("uncertainty { learning_rate: 0.01 }"));
  for (int step = 0; step < 3'000; ++step) Learn(*learner, Rows(4 * step, 1, 1, 0.25));
  const std::vector<double> weights = learner->balance().task_weights;
  EXPECT_NEAR(weights[0], 0.5 / 1, 0.1);
  EXPECT_NEAR(weights[1], 0.5 / 0.0625, 1.6);
}

TEST(BalancedLearningTest, AStepThatIsPassedOverLeavesTheBalanceAsItIs) {
  for (const char* balance : {"uncertainty {}", "grad_norm { every_steps: 1 }", "pcgrad: true"}) {
    const auto learner = NewLearner(Regressions(absl::StrCat(balance, " measure_every_steps: 1")));
    Learn(*learner, Rows(0, 1, 0, 0));
    const BalanceFigures before = learner->balance();
    OwnedExamples poisoned = Rows(4, 1, 0, 0);
    poisoned.labels[0].values[0] = 1e30f;
    EXPECT_TRUE(Learn(*learner, poisoned).passed_over);
    EXPECT_EQ(learner->balance().task_weights, before.task_weights);
    EXPECT_EQ(learner->balance().tasks.norms, before.tasks.norms);
  }
}

// ---- scenes ----

TEST(SceneLossesTest, AreTheWeightedMeansOverEachScenesRows) {
  const auto spec = Regressions("");
  const std::vector<int32_t> scenes = {0, 0, 1, 1};
  std::vector<TaskLabels> labels(2);
  labels[0] = {{1, 3, 0, 0}, {1, 1, 0, 0}, {0, 1}, 2};
  labels[1] = {{2, 0, 5, 1}, {1, 0, 2, 1}, {0, 2, 3}, 3};
  const torch::Tensor first = torch::zeros({4, 1});
  const torch::Tensor second = torch::ones({3, 1});  // Of its three labelled rows.
  const std::vector<WantedTask> wanted = {{0, {}}, {1, torch::tensor({0, 2, 3}, torch::kInt64)}};
  const std::vector<LossTerm> losses =
      SceneLosses(*spec, FeatureStatistics(), scenes, labels, wanted, {first, second}, {10, 1});

  ASSERT_EQ(losses.size(), 2u);
  EXPECT_EQ(losses[0].index, 0);
  EXPECT_NEAR(losses[0].loss.item<double>(), 10 * (1 + 9) / 2.0 + 1, 1e-6);
  EXPECT_EQ(losses[1].index, 1);
  EXPECT_NEAR(losses[1].loss.item<double>(), (2 * 16 + 0) / 2.0, 1e-6);
}

}  // namespace
}  // namespace polyscene
