// What holds for every network, whatever is combined in it: gradients, subsets of tasks and rows, rows of several
// scenes.
#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/unit/model/network/network_fixture.h"

namespace polyscene {
namespace {

// Three embeddings of 2 and one number; three scenes, three tasks, of which no scene but the first has all.
std::string Model(const std::string& network) {
  return R"(
    name: "tiny"
    features { name: "u" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 2 } } } }
    features { name: "v" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 2 } } } }
    features { name: "x" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }
    scenes { name: "shop" tasks: ["click", "kind", "spend"] }
    scenes { name: "search" tasks: ["click", "spend"] }
    scenes { name: "home" tasks: ["kind"] }
    tasks { name: "click" binary {} }
    tasks { name: "kind" multi_class { classes: 3 } }
    tasks { name: "spend" regression {} }
    network { )" +
         network + " }";
}
constexpr int64_t kInputs = 5;
const std::vector<int32_t> kScenes = {1, 0, 1, 2, 0, 0, 1};  // `home` has one row; none stand side by side in order.
constexpr int64_t kRows = 7;

class NetworksTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { net_.Randomize(); }

  // A loss that every logit of `wanted` enters in its own way.
  torch::Tensor Loss(const torch::Tensor& inputs, const std::vector<WantedTask>& wanted) const {
    torch::Tensor loss = torch::zeros({}, torch::kFloat64);
    const std::vector<torch::Tensor> logits = net_.Forward(inputs, kScenes, wanted);
    for (size_t w = 0; w < wanted.size(); ++w) {
      const torch::Tensor factors = torch::arange(1, logits[w].numel() + 1, torch::kFloat64).view_as(logits[w]);
      loss = loss + (logits[w].tanh() * (factors + static_cast<double>(wanted[w].task))).sum();
    }
    return loss;
  }

  // Backward into the flat gradient.
  torch::Tensor Gradient(const std::vector<WantedTask>& wanted) {
    net_.parameters().flat_gradient.zero_();
    Loss(inputs_, wanted).backward();
    return net_.parameters().flat_gradient.clone();
  }

  // A dozen weights of each matrix that `check` takes: backward against central differences.
  template <typename Check>
  void ExpectNumericGradients(const std::vector<WantedTask>& wanted, Check check) {
    const torch::Tensor gradient = Gradient(wanted);
    const torch::NoGradGuard no_grad;
    torch::Tensor& flat = net_.parameters().flat;
    constexpr double kStep = 1e-6;
    for (const ParameterSpec& spec : net_.layout().specs()) {
      if (!check(spec.name)) continue;
      for (int64_t i = spec.offset; i < spec.offset + spec.count; i += spec.count / 12 + 1) {
        const double value = flat[i].item<double>();
        flat[i] = value + kStep;
        const double above = Loss(inputs_, wanted).item<double>();
        flat[i] = value - kStep;
        const double below = Loss(inputs_, wanted).item<double>();
        flat[i] = value;
        ASSERT_NEAR(gradient[i].item<double>(), (above - below) / (2 * kStep), 2e-6)
            << spec.name << "[" << i - spec.offset << "]";
      }
    }
  }

  bool gated() const { return net_.spec().file().network().scene_adaptation() == v1::GATE; }

  // Through gates no gradient goes back into the inputs, which differences do not know: nothing before the towers'
  // gates is compared while these gates see it.
  void ExpectNumericGradients(const std::vector<WantedTask>& wanted) {
    ExpectNumericGradients(wanted, [this](const std::string& name) {
      return !gated() || !(name == "scene" || absl::StartsWith(name, "input_gate."));
    });
    if (!gated()) return;
    for (const ParameterSpec& spec : net_.layout().specs()) {
      if (absl::StartsWith(spec.name, "tower_gate.")) {
        net_.parameters().flat.narrow(0, spec.offset, spec.count).zero_();
      }
    }
    ExpectNumericGradients(
        wanted, [](const std::string& name) { return name == "scene" || absl::StartsWith(name, "input_gate."); });
  }

  std::vector<WantedTask> Some() const {
    return {{2, Numbers({0, 1, 6})}, {0, Numbers({0, 2, 4, 5})}};  // No row of `home`, and `kind` not at all.
  }

  NetworkUnderTest net_{Model(GetParam()), kInputs};
  const torch::Tensor inputs_ = net_.RandomRows(kRows);
};

TEST_P(NetworksTest, GradientsOfTheBatchedPassAreTheDifferences) { ExpectNumericGradients(net_.Everything()); }

TEST_P(NetworksTest, GradientsOfWantedTasksAndRowsAreTheDifferences) { ExpectNumericGradients(Some()); }

TEST_P(NetworksTest, AWantedSubsetIsThatOfTheWhole) {
  const std::vector<torch::Tensor> all = net_.Forward(inputs_, kScenes, net_.Everything());
  std::vector<WantedTask> wanted = Some();
  wanted.push_back({1, torch::Tensor()});
  wanted.push_back({1, Numbers({})});
  const std::vector<torch::Tensor> some = net_.Forward(inputs_, kScenes, wanted);
  ASSERT_EQ(some.size(), wanted.size());
  for (size_t w = 0; w < wanted.size(); ++w) {
    const torch::Tensor expected = SelectRows(all[wanted[w].task], wanted[w]);
    ASSERT_EQ(some[w].sizes(), expected.sizes()) << w;
    EXPECT_TRUE(torch::allclose(some[w], expected, 1e-10, 1e-12)) << w;
  }
}

TEST_P(NetworksTest, ABatchOfSeveralScenesIsEachRowByItself) {
  const std::vector<torch::Tensor> all = net_.Forward(inputs_, kScenes, net_.Everything());
  for (int64_t r = 0; r < kRows; ++r) {
    const auto one = net_.Forward(inputs_.narrow(0, r, 1), {kScenes[r]}, net_.Everything());
    for (size_t t = 0; t < all.size(); ++t) {
      EXPECT_TRUE(torch::allclose(one[t], all[t].narrow(0, r, 1), 1e-10, 1e-12)) << "row " << r << " task " << t;
    }
  }
}

TEST_P(NetworksTest, GivesNoLogitsForNoRows) {
  const auto none = net_.Forward(torch::zeros({0, kInputs}, torch::kFloat64), {}, net_.Everything());
  ASSERT_EQ(none.size(), 3u);
  EXPECT_EQ(none[1].sizes(), (torch::IntArrayRef{0, 3}));
}

TEST_P(NetworksTest, WhatBelongsToOtherTasksAndScenesGetsNoGradient) {
  const torch::Tensor gradient = Gradient(Some());
  const bool deep = net_.spec().file().network().ple().layers() > 1;  // There other tasks' experts are read.
  for (const ParameterSpec& spec : net_.layout().specs()) {
    const torch::Tensor own = gradient.narrow(0, spec.offset, spec.count).view(spec.sizes);
    if (absl::StrContains(spec.name, "head.kind") || absl::StrContains(spec.name, "/kind") ||
        absl::StrContains(spec.name, "home/")) {
      EXPECT_EQ(own.abs().sum().item<double>(), 0) << spec.name;
      continue;
    }
    for (size_t axis = 0; axis < spec.axes.size() && !deep; ++axis) {
      if (spec.axes[axis] != ParameterAxis::kTasks) continue;
      const int64_t places = spec.sizes[axis] / 3;
      EXPECT_EQ(own.narrow(axis, places, places).abs().sum().item<double>(), 0) << spec.name;
      EXPECT_NE(own.narrow(axis, 0, places).abs().sum().item<double>(), 0) << spec.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, NetworksTest,
    testing::Values(
        "shared_bottom { hidden: [4, 3] } tower: [3]", "shared_bottom { hidden: [4] } scene_adaptation: STAR",
        "shared_bottom { hidden: [4] } tower: [3, 2] scene_adaptation: GATE", "mmoe { experts: 2 hidden: [3] }",
        "mmoe { experts: 3 hidden: [4, 3] } tower: [3] scene_adaptation: SCENE_EMBEDDING",
        "mmoe { experts: 2 hidden: [4, 3] } tower: [2] scene_adaptation: STAR",
        "mmoe { experts: 2 hidden: [3] } scene_adaptation: GATE", "ple { hidden: [3] }",
        "ple { shared_experts: 1 task_experts: 2 hidden: [4, 3] } tower: [3] scene_adaptation: STAR",
        "ple { layers: 3 hidden: [3] } tower: [2]",
        "ple { layers: 2 task_experts: 2 hidden: [3] } scene_adaptation: STAR",
        "ple { layers: 2 shared_experts: 1 hidden: [4, 3] } tower: [2] scene_adaptation: GATE",
        "single { hidden: [4, 3] } tower: [2]", "single { hidden: [3] } interaction { cross { layers: 1 } }",
        "single { hidden: [3] } interaction { factorization_machine {} }",
        "shared_bottom { hidden: [4] } interaction { cross { layers: 3 } } scene_adaptation: STAR",
        "mmoe { experts: 2 hidden: [3] } interaction { cross { rank: 2 } } scene_adaptation: SCENE_EMBEDDING",
        "ple { hidden: [3] } interaction { factorization_machine {} } scene_adaptation: GATE",
        "shared_bottom { hidden: [4, 4, 3] } tower: [3, 2] skip: RESIDUAL",
        "shared_bottom { hidden: [4, 3, 2] } tower: [3, 2] skip: DENSE scene_adaptation: STAR",
        "mmoe { experts: 2 hidden: [5, 5] } tower: [5] skip: RESIDUAL scene_adaptation: GATE",
        "mmoe { experts: 2 hidden: [4, 3, 3] } tower: [4, 3] skip: DENSE scene_adaptation: GATE",
        "ple { layers: 2 hidden: [3, 3] } skip: RESIDUAL", "ple { layers: 2 hidden: [4, 3] } skip: DENSE",
        "single { hidden: [4, 3] } tower: [2] skip: DENSE", "shared_bottom { hidden: [4] } scene_towers: true",
        "mmoe { experts: 2 hidden: [3] } tower: [3] scene_towers: true scene_adaptation: SCENE_EMBEDDING",
        "ple { hidden: [3] } tower: [3, 2] scene_towers: true scene_adaptation: GATE skip: DENSE",
        "mmoe { experts: 2 hidden: [3] } tower: [3] scene_towers: true scene_adaptation: STAR"),
    [](const auto& info) { return absl::StrCat("N", info.index); });

}  // namespace
}  // namespace polyscene
