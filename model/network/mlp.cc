#include "model/network/mlp.h"

#include <torch/torch.h>

#include "absl/strings/str_cat.h"

namespace polyscene {

torch::Tensor PassOn(Skip skip, bool last, const torch::Tensor& inputs, torch::Tensor outputs) {
  if (skip == Skip::kResidual && inputs.size(-1) == outputs.size(-1)) return inputs + outputs;
  if (skip == Skip::kDense && !last) return torch::cat({inputs, outputs}, -1);
  return outputs;
}

Mlp::Mlp(ParameterLayout& layout, const std::string& name, int64_t inputs, const std::vector<int64_t>& widths,
         Skip skip, ParameterAxis input_axis)
    : skip_(skip) {
  const std::vector<int64_t> read = LayerInputs(skip, inputs, widths);
  for (size_t i = 0; i < widths.size(); ++i) {
    const ParameterAxis axis = i == 0 ? input_axis : ParameterAxis::kPlain;
    layers_.push_back(AddLinear(layout, absl::StrCat(name, ".", i), read[i], widths[i], {axis}));
  }
  outputs_ = read.back();
}

torch::Tensor Mlp::ForwardLayer(const Weights& weights, int layer, const torch::Tensor& inputs) const {
  return PassOn(skip_, layer + 1 == layer_count(), inputs, layers_[layer].Forward(weights, inputs).relu_());
}

torch::Tensor Mlp::Forward(const Weights& weights, torch::Tensor inputs) const {
  for (int layer = 0; layer < layer_count(); ++layer) inputs = ForwardLayer(weights, layer, inputs);
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
                       const std::vector<int64_t>& widths, Skip skip, ParameterAxis count_axis,
                       ParameterAxis input_axis)
    : skip_(skip) {
  const std::vector<int64_t> read = LayerInputs(skip, inputs, widths);
  for (size_t i = 0; i < widths.size(); ++i) {
    const ParameterAxis axis = i == 0 ? input_axis : ParameterAxis::kPlain;
    layers_.emplace_back(layout, absl::StrCat(name, ".", i), count, read[i], widths[i], count_axis, axis);
  }
  outputs_ = read.back();
}

torch::Tensor StackedMlp::ForwardLayer(const Weights& weights, int layer, const torch::Tensor& inputs) const {
  return PassOn(skip_, last(layer), inputs, layers_[layer].Forward(weights, inputs).relu_());
}

torch::Tensor StackedMlp::ForwardOneLayer(const Weights& weights, int layer, int64_t index,
                                          const torch::Tensor& inputs) const {
  return PassOn(skip_, last(layer), inputs, layers_[layer].ForwardOne(weights, index, inputs).relu_());
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
