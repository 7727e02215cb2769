// What a network does about scenes, before its first layer.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "model/network/parameters.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// none: inputs pass as they are. scene_embedding: 8 learned inputs of the row's scene beside them.
class SceneAdaptation {
 public:
  SceneAdaptation(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

  torch::Tensor Forward(const Parameters& parameters, const torch::Tensor& inputs, const torch::Tensor& scenes) const;
  int64_t outputs() const { return outputs_; }

 private:
  int embedding_ = -1;  // [scenes, 8]
  int64_t outputs_;
};

}  // namespace polyscene
