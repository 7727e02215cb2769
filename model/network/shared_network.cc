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

SharedNetwork::SharedNetwork(const ModelSpec& spec, int64_t input_width)
    : Network(spec), task_count_(spec.towers().size()) {
  adaptation_ = CreateSceneAdaptation(layout_, spec, input_width);
  const int64_t adapted = adaptation_->OutputsOf(input_width);
  interaction_ = CreateInteraction(layout_, spec, "", adapted);
  trunk_ = CreateTrunk(layout_, spec, interaction_->OutputsOf(adapted));
  adaptation_->AddBehindTrunk(layout_, spec, trunk_->outputs());
  towers_ = CreateTowers(layout_, spec, trunk_->outputs());
}

std::vector<torch::Tensor> SharedNetwork::Layers(const Weights& weights, int scene, const torch::Tensor& adapted,
                                                 const TowerFactors* factors,
                                                 absl::Span<const WantedTask> wanted) const {
  const torch::Tensor inputs = interaction_->Forward(weights, adapted);
  if (WantsEverything(wanted, task_count_)) {
    return towers_->ForwardAll(weights, scene, trunk_->ForwardAll(weights, inputs), factors);
  }
  const std::vector<torch::Tensor> read = trunk_->ForwardWanted(weights, inputs, wanted);
  std::vector<torch::Tensor> logits;
  for (size_t w = 0; w < wanted.size(); ++w) {
    logits.push_back(towers_->ForwardOne(weights, scene, wanted[w], read[w], factors));
  }
  return logits;
}

std::vector<torch::Tensor> SharedNetwork::Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                                  absl::Span<const int32_t> scenes,
                                                  absl::Span<const WantedTask> wanted) const {
  const torch::Device device = inputs.device();
  const torch::Tensor adapted = adaptation_->AdaptInputs(parameters, inputs, scenes);
  if (adaptation_->OverlayOf(0) == nullptr && !towers_->of_scenes()) {
    const std::unique_ptr<TowerFactors> factors = adaptation_->FactorsOf(parameters, adapted, scenes);
    return Layers(parameters, 0, adapted, factors.get(), OnDevice(wanted, device));
  }
  const SceneParts parts(scenes, wanted);
  std::vector<std::vector<torch::Tensor>> logits;
  for (const ScenePart& part : parts.parts()) {
    std::vector<torch::Tensor>& of_part = logits.emplace_back();
    if (part.wanted.empty()) continue;
    const Weights weights(parameters, adaptation_->OverlayOf(part.scene));
    const torch::Tensor own = part.rows.defined() ? adapted.index_select(0, part.rows.to(device)) : adapted;
    const std::vector<int32_t> own_scenes(own.size(0), part.scene);
    const std::unique_ptr<TowerFactors> factors = adaptation_->FactorsOf(parameters, own, own_scenes);
    of_part = Layers(weights, part.scene, own, factors.get(), OnDevice(part.wanted, device));
  }
  return parts.Join(logits);
}

}  // namespace polyscene
