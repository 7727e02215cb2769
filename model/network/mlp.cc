#include "model/network/mlp.h"

#include <torch/torch.h>

#include <cmath>

#include "absl/strings/str_cat.h"

namespace polyscene {

double LinearBound(int64_t inputs) { return 1.0 / std::sqrt(static_cast<double>(inputs)); }

Mlp::Mlp(ParameterLayout& layout, const std::string& name, int64_t inputs, const std::vector<int64_t>& widths,
         ParameterAxis input_axis)
    : outputs_(inputs) {
  for (const int64_t width : widths) {
    const std::string prefix = absl::StrCat(name, ".", layers_.size());
    const double bound = LinearBound(outputs_);
    Layer layer;
    layer.weight = layout.Add(prefix + ".weight", {outputs_, width}, bound,
                              {layers_.empty() ? input_axis : ParameterAxis::kPlain});
    layer.bias = layout.Add(prefix + ".bias", {width}, bound);
    layers_.push_back(layer);
    outputs_ = width;
  }
}

torch::Tensor Mlp::Forward(const Parameters& parameters, torch::Tensor inputs) const {
  for (const Layer& layer : layers_) {
    inputs = torch::addmm(parameters[layer.bias], inputs, parameters[layer.weight]).relu_();
  }
  return inputs;
}

StackedMlp::StackedMlp(ParameterLayout& layout, const std::string& name, int64_t count, int64_t inputs,
                       const std::vector<int64_t>& widths, ParameterAxis count_axis)
    : outputs_(inputs) {
  for (const int64_t width : widths) {
    const std::string prefix = absl::StrCat(name, ".", layers_.size());
    const double bound = LinearBound(outputs_);
    Layer layer;
    layer.weight = layout.Add(prefix + ".weight", {count, outputs_, width}, bound, {count_axis});
    layer.bias = layout.Add(prefix + ".bias", {count, 1, width}, bound, {count_axis});
    layers_.push_back(layer);
    outputs_ = width;
  }
}

torch::Tensor StackedMlp::Forward(const Parameters& parameters, torch::Tensor inputs) const {
  for (const Layer& layer : layers_) {
    inputs = torch::baddbmm(parameters[layer.bias], inputs, parameters[layer.weight]).relu_();
  }
  return inputs;
}

torch::Tensor StackedMlp::ForwardOne(const Parameters& parameters, int64_t index, torch::Tensor inputs) const {
  for (const Layer& layer : layers_) {
    inputs = torch::addmm(parameters[layer.bias].select(0, index), inputs, parameters[layer.weight].select(0, index))
                 .relu_();
  }
  return inputs;
}

}  // namespace polyscene
