// Experts that read the same inputs: MLPs of one shape.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/network/linear.h"
#include "model/network/mlp.h"

namespace polyscene {

class Experts {
 public:
  // widths: of each expert's layers, at least one. input_axis: what the inputs stand for.
  Experts(ParameterLayout& layout, const std::string& name, int64_t count, int64_t inputs,
          const std::vector<int64_t>& widths, Skip skip, ParameterAxis input_axis);

  // [rows, inputs] -> [rows, count, widths.back()]
  torch::Tensor Forward(const Weights& weights, const torch::Tensor& inputs) const;
  int64_t outputs() const { return later_layers_.outputs(); }

 private:
  const int64_t count_;
  const int64_t first_width_;
  const Skip skip_;
  const Linear first_;  // To count x first width: the first layers of all experts in one product.
  const StackedMlp later_layers_;
};

}  // namespace polyscene
