// Layers as the networks use them.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/network/parameters.h"

namespace polyscene {

// Start of a linear layer's weights and biases: uniform in +-1/sqrt(inputs) (LeCun et al., "Efficient BackProp", 1998).
double LinearBound(int64_t inputs);

// Linear layers with ReLU after each: [rows, inputs] -> [rows, widths.back()]. Without widths it passes its input on.
class Mlp {
 public:
  // input_axis: what its inputs stand for.
  Mlp(ParameterLayout& layout, const std::string& name, int64_t inputs, const std::vector<int64_t>& widths,
      ParameterAxis input_axis);

  torch::Tensor Forward(const Parameters& parameters, torch::Tensor inputs) const;
  int64_t outputs() const { return outputs_; }

 private:
  struct Layer {
    int weight;  // [inputs, width]
    int bias;    // [width]
  };
  std::vector<Layer> layers_;
  int64_t outputs_;
};

// `count` MLPs of one shape side by side: [count, rows, inputs] -> [count, rows, widths.back()], one batched product a
// layer.
class StackedMlp {
 public:
  StackedMlp(ParameterLayout& layout, const std::string& name, int64_t count, int64_t inputs,
             const std::vector<int64_t>& widths, ParameterAxis count_axis);

  torch::Tensor Forward(const Parameters& parameters, torch::Tensor inputs) const;
  // One of them alone: [rows, inputs] -> [rows, widths.back()].
  torch::Tensor ForwardOne(const Parameters& parameters, int64_t index, torch::Tensor inputs) const;
  int64_t outputs() const { return outputs_; }

 private:
  struct Layer {
    int weight;  // [count, inputs, width]
    int bias;    // [count, 1, width]
  };
  std::vector<Layer> layers_;
  int64_t outputs_;
};

}  // namespace polyscene
