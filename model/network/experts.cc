#include "model/network/experts.h"

#include <torch/torch.h>

namespace polyscene {

Experts::Experts(ParameterLayout& layout, const std::string& name, int64_t count, int64_t inputs,
                 const std::vector<int64_t>& widths, ParameterAxis input_axis)
    : count_(count),
      first_width_(widths[0]),
      first_(AddLinear(layout, name + ".first", inputs, count * first_width_, {input_axis})),
      later_layers_(layout, name, count, first_width_, {widths.begin() + 1, widths.end()}, ParameterAxis::kPlain) {}

torch::Tensor Experts::Forward(const Weights& weights, const torch::Tensor& inputs) const {
  const torch::Tensor first = first_.Forward(weights, inputs).relu_().view({-1, count_, first_width_});
  if (later_layers_.layer_count() == 0) return first;
  return later_layers_.Forward(weights, first.transpose(0, 1)).transpose(0, 1);
}

}  // namespace polyscene
