#include "model/network/linear.h"

#include <torch/torch.h>

#include <cmath>

namespace polyscene {
namespace {

Linear Declare(ParameterLayout& layout, const std::string& name, int64_t inputs, int64_t outputs, LinearAxes axes,
               double bound) {
  Linear linear;
  linear.weight = layout.Add(name + ".weight", {inputs, outputs}, bound, {axes.inputs, axes.outputs});
  linear.bias = layout.AddBias(name + ".bias", {outputs}, bound, {axes.outputs});
  return linear;
}

}  // namespace

double LinearBound(int64_t inputs) { return 1.0 / std::sqrt(static_cast<double>(inputs)); }

torch::Tensor Linear::Forward(const Weights& weights, const torch::Tensor& inputs) const {
  return torch::addmm(weights[bias], inputs, weights[weight]);
}

torch::Tensor Linear::ForwardSome(const Weights& weights, const torch::Tensor& inputs, int64_t begin,
                                  int64_t count) const {
  return torch::addmm(weights[bias].narrow(0, begin, count), inputs, weights[weight].narrow(1, begin, count));
}

Linear AddLinear(ParameterLayout& layout, const std::string& name, int64_t inputs, int64_t outputs, LinearAxes axes) {
  return Declare(layout, name, inputs, outputs, axes, LinearBound(inputs));
}

Linear AddZeroLinear(ParameterLayout& layout, const std::string& name, int64_t inputs, int64_t outputs,
                     LinearAxes axes) {
  return Declare(layout, name, inputs, outputs, axes, 0);
}

}  // namespace polyscene
