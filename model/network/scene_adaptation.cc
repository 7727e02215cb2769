#include "model/network/scene_adaptation.h"

#include <torch/torch.h>

#include <algorithm>

#include "model/network/gate.h"
#include "model/network/scene_inputs.h"
#include "model/network/star.h"

namespace polyscene {
namespace {

constexpr double kSceneBound = 0.05;  // As small as embedding rows start.

}  // namespace

std::unique_ptr<SceneAdaptation> CreateSceneAdaptation(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs) {
  switch (spec.file().network().scene_adaptation()) {
    case v1::SCENE_EMBEDDING:
      return std::make_unique<SceneInputs>(layout, spec);
    case v1::STAR:
      return std::make_unique<Star>(layout);
    case v1::GATE:
      return std::make_unique<Gate>(layout, spec, inputs);
    default:
      return std::make_unique<SceneAdaptation>();
  }
}

SceneEmbedding::SceneEmbedding(ParameterLayout& layout, const ModelSpec& spec)
    : table_(layout.Add("scene", {static_cast<int64_t>(spec.scenes().size()), kWidth}, kSceneBound,
                        {ParameterAxis::kScenes})) {}

torch::Tensor SceneIndex(absl::Span<const int32_t> scenes, torch::Device device) {
  // Of one scene, as a request's rows are, the device writes it itself: a copy from here could not be recorded.
  if (!scenes.empty() && std::count(scenes.begin(), scenes.end(), scenes[0]) == static_cast<int64_t>(scenes.size())) {
    return torch::full({static_cast<int64_t>(scenes.size())}, scenes[0], torch::dtype(torch::kInt64).device(device));
  }
  return torch::from_blob(const_cast<int32_t*>(scenes.data()), {static_cast<int64_t>(scenes.size())}, torch::kInt32)
      .to(torch::kInt64)
      .to(device);
}

}  // namespace polyscene
