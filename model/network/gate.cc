#include "model/network/gate.h"

#include <torch/torch.h>

#include "absl/strings/str_cat.h"
#include "model/spec/layer_widths.h"

namespace polyscene {
namespace {

// The paper's delta: around 1, between 0 and 2.
torch::Tensor Opened(const torch::Tensor& logits) { return logits.sigmoid() * 2; }

class GateFactors : public TowerFactors {
 public:
  GateFactors(const Weights& weights, const std::vector<Linear>& gates, const std::vector<int64_t>& widths,
              int64_t tasks, torch::Tensor hidden)
      : weights_(weights), gates_(gates), widths_(widths), tasks_(tasks), hidden_(std::move(hidden)) {}

  torch::Tensor All(int layer) const override {
    return Opened(gates_[layer].Forward(weights_, hidden_)).view({-1, tasks_, widths_[layer]}).transpose(0, 1);
  }
  torch::Tensor One(int layer, const WantedTask& want) const override {
    const int64_t width = widths_[layer];
    return Opened(gates_[layer].ForwardSome(weights_, SelectRows(hidden_, want), want.task * width, width));
  }

 private:
  const Weights weights_;  // A view; the caller's weights outlive a forward pass.
  const std::vector<Linear>& gates_;
  const std::vector<int64_t>& widths_;
  const int64_t tasks_;
  const torch::Tensor hidden_;  // [rows, GateHidden::kWidth]
};

}  // namespace

GateHidden::GateHidden(ParameterLayout& layout, const std::string& name, int64_t inputs)
    : from_inputs_(AddLinear(layout, name + ".hidden", inputs, kWidth, {ParameterAxis::kInputs})),
      from_scene_(
          layout.Add(name + ".scene.weight", {SceneEmbedding::kWidth, kWidth}, LinearBound(SceneEmbedding::kWidth))) {}

torch::Tensor GateHidden::Forward(const Weights& weights, const torch::Tensor& inputs, const torch::Tensor& scene_table,
                                  const torch::Tensor& index) const {
  const torch::Tensor of_scene = torch::mm(scene_table, weights[from_scene_]).index_select(0, index);
  return (from_inputs_.Forward(weights, inputs.detach()) + of_scene).relu_();
}

Gate::Gate(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs)
    : embedding_(layout, spec),
      input_hidden_(layout, "input_gate", inputs),
      input_gate_(AddZeroLinear(layout, "input_gate", GateHidden::kWidth, inputs,
                                {ParameterAxis::kPlain, ParameterAxis::kInputs})),
      tower_hidden_(layout, "tower_gate", inputs),
      tasks_(static_cast<int64_t>(spec.towers().size())) {}

torch::Tensor Gate::AdaptInputs(const Weights& weights, const torch::Tensor& inputs,
                                absl::Span<const int32_t> scenes) const {
  const torch::Tensor hidden =
      input_hidden_.Forward(weights, inputs, embedding_.Table(weights), SceneIndex(scenes, inputs.device()));
  return inputs * Opened(input_gate_.Forward(weights, hidden));
}

void Gate::AddBehindTrunk(ParameterLayout& layout, const ModelSpec& spec, int64_t tower_inputs) {
  const v1::Network& network = spec.file().network();
  tower_widths_ = LayerInputs(SkipOf(network), tower_inputs, network.tower());
  for (const int64_t width : tower_widths_) {
    tower_gates_.push_back(AddZeroLinear(layout, absl::StrCat("tower_gate.", tower_gates_.size()), GateHidden::kWidth,
                                         tasks_ * width, {ParameterAxis::kPlain, ParameterAxis::kTasks}));
  }
}

std::unique_ptr<TowerFactors> Gate::FactorsOf(const Weights& weights, const torch::Tensor& adapted,
                                              absl::Span<const int32_t> scenes) const {
  torch::Tensor hidden =
      tower_hidden_.Forward(weights, adapted, embedding_.Table(weights), SceneIndex(scenes, adapted.device()));
  return std::make_unique<GateFactors>(weights, tower_gates_, tower_widths_, tasks_, std::move(hidden));
}

}  // namespace polyscene
