// One linear layer.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "model/network/parameters.h"
#include "model/network/weights.h"

namespace polyscene {

// Start of a linear layer's weights and biases: uniform in +-1/sqrt(inputs) (LeCun et al., "Efficient BackProp", 1998).
double LinearBound(int64_t inputs);

struct Linear {
  int weight = -1;  // [inputs, outputs]
  int bias = -1;    // [outputs]

  // [rows, inputs] -> [rows, outputs]
  torch::Tensor Forward(const Weights& weights, const torch::Tensor& inputs) const;
  // Its outputs from `begin` on alone.
  torch::Tensor ForwardSome(const Weights& weights, const torch::Tensor& inputs, int64_t begin, int64_t count) const;
};

// What a layer's inputs and outputs stand for.
struct LinearAxes {
  ParameterAxis inputs = ParameterAxis::kPlain;
  ParameterAxis outputs = ParameterAxis::kPlain;
};

// Declares "<name>.weight" and "<name>.bias".
Linear AddLinear(ParameterLayout& layout, const std::string& name, int64_t inputs, int64_t outputs, LinearAxes axes);
// The same, starting at zero: its outputs are 0 until it has learned.
Linear AddZeroLinear(ParameterLayout& layout, const std::string& name, int64_t inputs, int64_t outputs,
                     LinearAxes axes);

}  // namespace polyscene
