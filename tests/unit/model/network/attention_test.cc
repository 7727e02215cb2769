// Attention units by hand, and their gradients.
#include "model/network/attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

namespace polyscene {
namespace {

constexpr char kModel[] = R"(
  name: "attention"
  features { name: "item" side: CANDIDATE type: INT64 encode { hash { embedding { dimension: 2 } } } }
  features { name: "seen" side: CONTEXT type: INT64
    sequence { pooling: ATTENTION attention { to: "item" hidden: 1 } }
    encode { hash { embedding { dimension: 2 table: "item" } } } }
  scenes { name: "shop" tasks: ["click"] }
  tasks { name: "click" binary {} }
  network { shared_bottom { hidden: [2] } })";
constexpr int kSeen = 1;  // The slot of the sequence.

class AttentionTest : public testing::Test {
 protected:
  // The weight of each value by itself: [n].
  torch::Tensor WeightsOf(const torch::Tensor& entries, const torch::Tensor& targets) {
    return AttentionUnits::Bound(units_, parameters_.leaves).WeightsOf(kSeen, entries, targets).squeeze(1);
  }

  static torch::Tensor Doubles(std::vector<double> values) {
    return torch::tensor(values, torch::kFloat64).view({-1, 2});
  }

  const std::shared_ptr<const ModelSpec> spec_ = *ModelSpec::Parse(kModel, "attention.textproto");
  ParameterLayout layout_;
  const AttentionUnits units_{layout_, *spec_};
  TrainedParameters parameters_{layout_, torch::zeros({layout_.count()}, torch::kFloat64)};
};

TEST_F(AttentionTest, ReadsTheValueTheTargetAndTheirProduct) {
  ASSERT_EQ(layout_.specs().size(), 4u);
  EXPECT_EQ(layout_.specs()[0].name, "attention.seen.0.weight");
  ASSERT_EQ(layout_.specs()[0].sizes, (std::vector<int64_t>{6, 1}));
  // Hidden: v0 + 10 t1 + 100 v1 t1; out: twice that, and 1.
  parameters_.flat.copy_(torch::tensor({1, 0, 0, 10, 0, 100, 0, 2, 1}, torch::kFloat64));
  const torch::Tensor weights = WeightsOf(Doubles({1, 2, 3, -4}), Doubles({7, 5, 7, 5}));
  EXPECT_DOUBLE_EQ(weights[0].item<double>(), 2 * (1 + 50 + 100 * 2 * 5) + 1);
  EXPECT_DOUBLE_EQ(weights[1].item<double>(), 1);  // 3 + 50 - 2,000 is below 0.
}

TEST_F(AttentionTest, GradientsAreTheDifferences) {
  torch::manual_seed(3);
  parameters_.flat.copy_(torch::randn({layout_.count()}, torch::kFloat64));
  torch::Tensor entries = torch::randn({5, 2}, torch::kFloat64).requires_grad_(true);
  torch::Tensor targets = torch::randn({5, 2}, torch::kFloat64).requires_grad_(true);
  const auto loss = [&] { return (entries * WeightsOf(entries, targets).unsqueeze(1)).tanh().sum(); };
  loss().backward();
  const auto expect_differences = [&](torch::Tensor values, const torch::Tensor& gradient) {
    const torch::NoGradGuard no_grad;
    torch::Tensor flat = values.view({-1});
    for (int64_t i = 0; i < flat.numel(); ++i) {
      const double value = flat[i].item<double>();
      flat[i] = value + 1e-6;
      const double above = loss().item<double>();
      flat[i] = value - 1e-6;
      const double below = loss().item<double>();
      flat[i] = value;
      EXPECT_NEAR(gradient.view({-1})[i].item<double>(), (above - below) / 2e-6, 1e-7) << i;
    }
  };
  expect_differences(entries.detach(), entries.grad());
  expect_differences(targets.detach(), targets.grad());
  expect_differences(parameters_.flat, parameters_.flat_gradient);
}

TEST_F(AttentionTest, NoValuesHaveNoWeights) {
  const torch::Tensor none = torch::zeros({0, 2}, torch::kFloat64);
  EXPECT_EQ(WeightsOf(none, none).numel(), 0);
}

}  // namespace
}  // namespace polyscene
