// Scene adaptation by a few learned inputs of each row's scene, beside its own.
#pragma once

#include "model/network/scene_adaptation.h"

namespace polyscene {

class SceneInputs : public SceneAdaptation {
 public:
  SceneInputs(ParameterLayout& layout, const ModelSpec& spec) : embedding_(layout, spec) {}

  int64_t OutputsOf(int64_t inputs) const override { return inputs + SceneEmbedding::kWidth; }
  torch::Tensor AdaptInputs(const Weights& weights, const torch::Tensor& inputs,
                            absl::Span<const int32_t> scenes) const override;

 private:
  const SceneEmbedding embedding_;
};

}  // namespace polyscene
