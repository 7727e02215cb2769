#include "model/network/shared_network.h"

#include <torch/torch.h>

#include "model/network/scene_parts.h"

namespace polyscene {
namespace {

std::vector<WantedTask> OnDevice(absl::Span<const WantedTask> wanted, torch::Device device) {
  std::vector<WantedTask> there(wanted.begin(), wanted.end());
  for (WantedTask& want : there) {
    if (want.rows.defined()) want.rows = want.rows.to(device);
  }
  return there;
}

}  // namespace

SharedNetwork::SharedNetwork(const ModelSpec& spec, int64_t input_width) : task_count_(spec.towers().size()) {
  adaptation_ = CreateSceneAdaptation(layout_, spec, input_width);
  const int64_t adapted = adaptation_->OutputsOf(input_width);
  interaction_ = CreateInteraction(layout_, spec, "", adapted);
  trunk_ = CreateTrunk(layout_, spec, interaction_->OutputsOf(adapted));
  adaptation_->AddBehindTrunk(layout_, spec, trunk_->outputs());
  towers_ = std::make_unique<Towers>(layout_, spec, trunk_->outputs());
}

std::vector<torch::Tensor> SharedNetwork::Layers(const Weights& weights, const torch::Tensor& adapted,
                                                 const TowerFactors* factors,
                                                 absl::Span<const WantedTask> wanted) const {
  const torch::Tensor inputs = interaction_->Forward(weights, adapted);
  if (WantsEverything(wanted, task_count_)) {
    return towers_->ForwardAll(weights, trunk_->ForwardAll(weights, inputs), factors);
  }
  const std::vector<torch::Tensor> read = trunk_->ForwardWanted(weights, inputs, wanted);
  std::vector<torch::Tensor> logits;
  for (size_t w = 0; w < wanted.size(); ++w) {
    logits.push_back(towers_->ForwardOne(weights, wanted[w], read[w], factors));
  }
  return logits;
}

std::vector<torch::Tensor> SharedNetwork::Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                                  absl::Span<const int32_t> scenes,
                                                  absl::Span<const WantedTask> wanted) const {
  const torch::Device device = inputs.device();
  const torch::Tensor adapted = adaptation_->AdaptInputs(parameters, inputs, scenes);
  if (adaptation_->OverlayOf(0) == nullptr) {
    const std::unique_ptr<TowerFactors> factors = adaptation_->FactorsOf(parameters, adapted, scenes);
    return Layers(parameters, adapted, factors.get(), OnDevice(wanted, device));
  }
  const SceneParts parts(scenes, wanted);
  std::vector<std::vector<torch::Tensor>> logits;
  for (const ScenePart& part : parts.parts()) {
    const Weights weights(parameters, adaptation_->OverlayOf(part.scene));
    const torch::Tensor own = part.rows.defined() ? adapted.index_select(0, part.rows.to(device)) : adapted;
    logits.push_back(part.wanted.empty() ? std::vector<torch::Tensor>()
                                         : Layers(weights, own, nullptr, OnDevice(part.wanted, device)));
  }
  return parts.Join(logits);
}

}  // namespace polyscene
