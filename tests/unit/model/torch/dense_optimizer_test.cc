// Dense optimizers against their papers' formulas, worked out by hand.
#include "model/optimizer/dense_optimizer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "google/protobuf/text_format.h"
#include "model/optimizer/gradient_clip.h"
#include "model/optimizer/schedule.h"

namespace polyscene {
namespace {

v1::DenseOptimizer Options(const std::string& text) {
  v1::DenseOptimizer options;
  options.set_tower_factor(1);
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(text, &options)) << text;
  return options;
}

// Two weights, of which the second is a tower's.
class DenseOptimizerTest : public testing::Test {
 protected:
  DenseOptimizerTest() {
    layout_.Add("bottom.0.bias", {1}, 0);
    layout_.Add("tower.0.bias", {1}, 0);
  }

  // The weights after a step for each of `gradients`.
  std::vector<double> After(const std::string& options, std::vector<float> start,
                            std::vector<std::vector<float>> gradients) {
    torch::Tensor weights = torch::tensor(start);
    DenseOptimizer optimizer(Options(options), layout_, weights);
    uint64_t step = 0;
    for (const std::vector<float>& values : gradients) {
      torch::Tensor gradient = torch::tensor(values);
      optimizer.Step(weights, gradient, ++step);
    }
    return {weights[0].item<double>(), weights[1].item<double>()};
  }

  ParameterLayout layout_;
};

void ExpectNear(const std::vector<double>& got, double first, double second) {
  EXPECT_NEAR(got[0], first, 1e-6);
  EXPECT_NEAR(got[1], second, 1e-6);
}

TEST_F(DenseOptimizerTest, SgdWithoutMomentum) {
  ExpectNear(After("sgd { learning_rate: 0.1 }", {1, 2}, {{1, -2}, {1, 0}}), 0.8, 2.2);
}

TEST_F(DenseOptimizerTest, SgdWithMomentum) {
  // v: 1, 1.9, 0.9 x 1.9 + 0 = 1.71. Second weight: 2, 1.8, 1.62.
  ExpectNear(After("sgd { learning_rate: 0.1 momentum: 0.9 }", {0, 0}, {{1, 2}, {1, 0}, {0, 0}}), -0.461, -0.542);
}

TEST_F(DenseOptimizerTest, Adam) {
  // First step: m / (1 - b1) = g and v / (1 - b2) = g^2, so the sign. Second, first weight, g = 1 then 0:
  // m = 0.5 x 0.5 = 0.25, / 0.75; v = 0.75 x 0.25 = 0.1875, / (1 - 0.5625).
  const double second = (0.25 / 0.75) / std::sqrt(0.1875 / 0.4375);
  ExpectNear(After("adam { learning_rate: 0.1 beta1: 0.5 beta2: 0.75 epsilon: 1e-9 }", {0, 0}, {{1, -3}, {0, -3}}),
             -0.1 - 0.1 * second, 0.2);
}

TEST_F(DenseOptimizerTest, AdamWDecaysApartFromTheGradient) {
  // 2 -> 2 x 0.95 - 0.1 = 1.8 -> 1.8 x 0.95 - 0.1 = 1.61; however large the gradient is.
  ExpectNear(After("adam_w { learning_rate: 0.1 beta1: 0.9 beta2: 0.999 epsilon: 1e-12 weight_decay: 0.5 }", {2, 2},
                   {{1, 50}, {1, 50}}),
             1.61, 1.61);
}

TEST_F(DenseOptimizerTest, AdamWWithoutADecayIsAdam) {
  const std::string rates = "{ learning_rate: 0.1 beta1: 0.9 beta2: 0.99 epsilon: 1e-8 }";
  const std::vector<std::vector<float>> gradients = {{1, -2}, {0.5, 3}, {-1, 0.25}};
  EXPECT_EQ(After("adam_w " + rates, {1, 2}, gradients), After("adam " + rates, {1, 2}, gradients));
}

TEST_F(DenseOptimizerTest, Adagrad) {
  // Sums of squares: 9, 25. 0.5 x 3 / 3 + 0.5 x 4 / 5 = 0.9. Second weight: 0 (0 / epsilon), then 0.5.
  ExpectNear(After("adagrad { learning_rate: 0.5 epsilon: 1e-9 }", {0, 0}, {{3, 0}, {4, -7}}), -0.9, 0.5);
  // From 16: 0.5 x 3 / 5.
  ExpectNear(After("adagrad { learning_rate: 0.5 initial_accumulator: 16 epsilon: 1e-9 }", {0, 0}, {{3, 0}}), -0.3, 0);
}

TEST_F(DenseOptimizerTest, TowersHaveARateOfTheirOwn) {
  ExpectNear(After("sgd { learning_rate: 0.1 } tower_factor: 3", {0, 0}, {{1, 1}}), -0.1, -0.3);
  ExpectNear(After("sgd { learning_rate: 0.1 momentum: 0.5 } tower_factor: 3", {0, 0}, {{1, 1}, {1, 1}}), -0.25, -0.75);
  ExpectNear(After("adagrad { learning_rate: 0.1 epsilon: 1e-9 } tower_factor: 3", {0, 0}, {{2, 2}}), -0.1, -0.3);
  const std::string adam = "adam { learning_rate: 0.1 beta1: 0.9 beta2: 0.9 epsilon: 1e-9 } tower_factor: 0.5";
  ExpectNear(After(adam, {0, 0}, {{4, 4}}), -0.1, -0.05);
  // AdamW's decay goes with the rate: 1 - 0.1 x 0.5, and 1 - 0.3 x 0.5 for the tower.
  const std::string adam_w =
      "adam_w { learning_rate: 0.1 beta1: 0.9 beta2: 0.9 epsilon: 1e-9 weight_decay: 0.5 } tower_factor: 3";
  ExpectNear(After(adam_w, {1, 1}, {{4, 4}}), 0.95 - 0.1, 0.85 - 0.3);
}

TEST_F(DenseOptimizerTest, TheGradientIsClippedBeforeAnythingSeesIt) {
  // (3, 4) has norm 5: (0.6, 0.8). Momentum holds the clipped one.
  ExpectNear(After("sgd { learning_rate: 1 momentum: 0.5 } clip_norm: 1", {0, 0}, {{3, 4}, {0, 0}}), -0.9, -1.2);
}

TEST(ClipByNormTest, LeavesWhatIsWithinAndNothingButZeroOfZero) {
  torch::Tensor small = torch::tensor({0.3f, 0.4f});
  ClipByNorm(small, 0.5);
  EXPECT_TRUE(torch::equal(small, torch::tensor({0.3f, 0.4f})));
  torch::Tensor zero = torch::zeros({2});
  ClipByNorm(zero, 0.5);
  EXPECT_TRUE(torch::equal(zero, torch::zeros({2})));
}

TEST_F(DenseOptimizerTest, TheScheduleMultipliesTheRate) {
  // Warm-up over 2 steps: 0.5 then 1; decoupled decay likewise.
  ExpectNear(After("sgd { learning_rate: 0.1 } schedule { warm_up_steps: 2 }", {0, 0}, {{1, 0}, {0, 1}}), -0.05, -0.1);
  ExpectNear(After("adam_w { learning_rate: 0.1 beta1: 0.9 beta2: 0.9 epsilon: 1e-9 weight_decay: 1 } "
                   "schedule { warm_up_steps: 2 }",
                   {1, 1}, {{1, -1}}),
             0.95 - 0.05, 0.95 + 0.05);
}

TEST(ScheduleTest, RisesThenDecaysToItsFloor) {
  const auto factor = [](const char* text, uint64_t step) {
    v1::Schedule schedule;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &schedule));
    return ScheduleFactor(schedule, step);
  };
  EXPECT_EQ(factor("", 1), 1);
  EXPECT_EQ(factor("", 1'000'000'000), 1);
  const char* root = "warm_up_steps: 10 inverse_square_root { steps: 100 } floor: 0.05";
  EXPECT_EQ(factor(root, 1), 0.1);
  EXPECT_EQ(factor(root, 5), 0.5);
  EXPECT_EQ(factor(root, 10), 1);
  EXPECT_DOUBLE_EQ(factor(root, 310), 0.5);  // sqrt(100 / 400)
  EXPECT_EQ(factor(root, 1'000'000'000), 0.05);
  const char* halves = "exponential { half_life_steps: 50 }";
  EXPECT_DOUBLE_EQ(factor(halves, 50), 0.5);
  EXPECT_DOUBLE_EQ(factor(halves, 100), 0.25);
  EXPECT_EQ(factor("warm_up_steps: 10 floor: 0.3", 1), 0.3);
}

}  // namespace
}  // namespace polyscene
