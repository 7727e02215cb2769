#include "model/network/cross.h"

#include <torch/torch.h>

#include "absl/strings/str_cat.h"

namespace polyscene {

Cross::Cross(ParameterLayout& layout, const std::string& name, const v1::Cross& options, int64_t inputs) {
  for (int i = 0; i < options.layers(); ++i) {
    const std::string prefix = absl::StrCat(name, ".", i);
    Layer layer;
    if (options.rank() == 0) {
      layer.up = AddLinear(layout, prefix, inputs, inputs, {ParameterAxis::kInputs, ParameterAxis::kInputs});
    } else {
      layer.down =
          layout.Add(prefix + ".down.weight", {inputs, options.rank()}, LinearBound(inputs), {ParameterAxis::kInputs});
      layer.up =
          AddLinear(layout, prefix + ".up", options.rank(), inputs, {ParameterAxis::kPlain, ParameterAxis::kInputs});
    }
    layers_.push_back(layer);
  }
}

torch::Tensor Cross::Forward(const Weights& weights, const torch::Tensor& inputs) const {
  torch::Tensor crossed = inputs;
  for (const Layer& layer : layers_) {
    const torch::Tensor read = layer.down < 0 ? crossed : torch::mm(crossed, weights[layer.down]);
    crossed = torch::addcmul(crossed, inputs, layer.up.Forward(weights, read));
  }
  return crossed;
}

}  // namespace polyscene
