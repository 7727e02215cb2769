#include "model/network/mlp.h"

#include <torch/torch.h>

#include "absl/strings/str_cat.h"

namespace polyscene {

Mlp::Mlp(ParameterLayout& layout, const std::string& name, int64_t inputs, const std::vector<int64_t>& widths,
         ParameterAxis input_axis)
    : outputs_(inputs) {
  for (const int64_t width : widths) {
    const ParameterAxis axis = layers_.empty() ? input_axis : ParameterAxis::kPlain;
    layers_.push_back(AddLinear(layout, absl::StrCat(name, ".", layers_.size()), outputs_, width, {axis}));
    outputs_ = width;
  }
}

torch::Tensor Mlp::Forward(const Weights& weights, torch::Tensor inputs) const {
  for (const Linear& layer : layers_) inputs = layer.Forward(weights, inputs).relu_();
  return inputs;
}

StackedLinear::StackedLinear(ParameterLayout& layout, const std::string& name, int64_t count, int64_t inputs,
                             int64_t outputs, ParameterAxis count_axis, ParameterAxis input_axis) {
  const double bound = LinearBound(inputs);
  weight_ = layout.Add(name + ".weight", {count, inputs, outputs}, bound, {count_axis, input_axis});
  bias_ = layout.AddBias(name + ".bias", {count, 1, outputs}, bound, {count_axis});
}

torch::Tensor StackedLinear::Forward(const Weights& weights, const torch::Tensor& inputs) const {
  return torch::baddbmm(weights[bias_], inputs, weights[weight_]);
}

torch::Tensor StackedLinear::ForwardOne(const Weights& weights, int64_t index, const torch::Tensor& inputs) const {
  return torch::addmm(weights.Slice(bias_, index), inputs, weights.Slice(weight_, index));
}

StackedMlp::StackedMlp(ParameterLayout& layout, const std::string& name, int64_t count, int64_t inputs,
                       const std::vector<int64_t>& widths, ParameterAxis count_axis, ParameterAxis input_axis)
    : outputs_(inputs) {
  for (const int64_t width : widths) {
    const ParameterAxis axis = layers_.empty() ? input_axis : ParameterAxis::kPlain;
    layers_.emplace_back(layout, absl::StrCat(name, ".", layers_.size()), count, outputs_, width, count_axis, axis);
    outputs_ = width;
  }
}

torch::Tensor StackedMlp::ForwardLayer(const Weights& weights, int layer, const torch::Tensor& inputs) const {
  return layers_[layer].Forward(weights, inputs).relu_();
}

torch::Tensor StackedMlp::ForwardOneLayer(const Weights& weights, int layer, int64_t index,
                                          const torch::Tensor& inputs) const {
  return layers_[layer].ForwardOne(weights, index, inputs).relu_();
}

torch::Tensor StackedMlp::Forward(const Weights& weights, torch::Tensor inputs) const {
  for (int layer = 0; layer < layer_count(); ++layer) inputs = ForwardLayer(weights, layer, inputs);
  return inputs;
}

torch::Tensor StackedMlp::ForwardOne(const Weights& weights, int64_t index, torch::Tensor inputs) const {
  for (int layer = 0; layer < layer_count(); ++layer) inputs = ForwardOneLayer(weights, layer, index, inputs);
  return inputs;
}

}  // namespace polyscene
