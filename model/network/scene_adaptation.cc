#include "model/network/scene_adaptation.h"

#include <torch/torch.h>

namespace polyscene {
namespace {

constexpr int64_t kSceneInputs = 8;
constexpr double kSceneBound = 0.05;  // As small as embedding rows start.

}  // namespace

SceneAdaptation::SceneAdaptation(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs) : outputs_(inputs) {
  if (spec.file().network().scene_adaptation() != v1::SCENE_EMBEDDING) return;
  embedding_ = layout.Add("scene", {static_cast<int64_t>(spec.scenes().size()), kSceneInputs}, kSceneBound,
                          {ParameterAxis::kScenes});
  outputs_ += kSceneInputs;
}

torch::Tensor SceneAdaptation::Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                       const torch::Tensor& scenes) const {
  if (embedding_ < 0) return inputs;
  return torch::cat({inputs, parameters[embedding_].index_select(0, scenes)}, 1);
}

}  // namespace polyscene
