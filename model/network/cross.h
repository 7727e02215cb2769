// Cross layers: x_next = x0 * (x W + b) + x elementwise, so that the n-th one reaches products of n + 1 inputs.
// Wang et al., "DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to Rank Systems",
// WWW 2021.
#pragma once

#include <string>
#include <vector>

#include "model/network/interaction.h"
#include "model/network/linear.h"

namespace polyscene {

class Cross : public Interaction {
 public:
  Cross(ParameterLayout& layout, const std::string& name, const v1::Cross& options, int64_t inputs);

  torch::Tensor Forward(const Weights& weights, const torch::Tensor& inputs) const override;

 private:
  struct Layer {
    int down = -1;  // [inputs, rank]; -1: the full matrix is `up` alone.
    Linear up;      // From the rank, or from all inputs.
  };
  std::vector<Layer> layers_;
};

}  // namespace polyscene
