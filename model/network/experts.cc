#include "model/network/experts.h"

#include <torch/torch.h>

namespace polyscene {

Experts::Experts(ParameterLayout& layout, const std::string& name, int64_t count, int64_t inputs,
                 const std::vector<int64_t>& widths, Skip skip, ParameterAxis input_axis)
    : count_(count),
      first_width_(widths[0]),
      skip_(skip),
      first_(AddLinear(layout, name + ".first", inputs, count * first_width_, {input_axis})),
      later_layers_(layout, name, count,
                    skip == Skip::kDense && widths.size() > 1 ? inputs + first_width_ : first_width_,
                    {widths.begin() + 1, widths.end()}, skip, ParameterAxis::kPlain) {}

torch::Tensor Experts::Forward(const Weights& weights, const torch::Tensor& inputs) const {
  torch::Tensor first = first_.Forward(weights, inputs).relu_().view({-1, count_, first_width_});
  const bool last = later_layers_.layer_count() == 0;
  if (skip_ != Skip::kNone) first = PassOn(skip_, last, inputs.unsqueeze(1).expand({-1, count_, -1}), first);
  if (last) return first;
  return later_layers_.Forward(weights, first.transpose(0, 1)).transpose(0, 1);
}

}  // namespace polyscene
