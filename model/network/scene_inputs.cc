#include "model/network/scene_inputs.h"

#include <torch/torch.h>

namespace polyscene {

torch::Tensor SceneInputs::AdaptInputs(const Weights& weights, const torch::Tensor& inputs,
                                       absl::Span<const int32_t> scenes) const {
  const torch::Tensor index = SceneIndex(scenes, inputs.device());
  return torch::cat({inputs, embedding_.Table(weights).index_select(0, index)}, 1);
}

}  // namespace polyscene
