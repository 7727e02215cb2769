// Layers as the networks use them.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/network/linear.h"
#include "model/network/parameters.h"
#include "model/network/weights.h"
#include "model/spec/layer_widths.h"

namespace polyscene {

// What comes behind a hidden layer: from what it read and what came out, [..., its inputs] and [..., its outputs], to
// what the next one reads; last: to what the MLP gives.
torch::Tensor PassOn(Skip skip, bool last, const torch::Tensor& inputs, torch::Tensor outputs);

// Linear layers with ReLU after each: [rows, inputs] -> [rows, widths.back()]. Without widths it passes its input on.
class Mlp {
 public:
  // input_axis: what its inputs stand for.
  Mlp(ParameterLayout& layout, const std::string& name, int64_t inputs, const std::vector<int64_t>& widths, Skip skip,
      ParameterAxis input_axis);

  torch::Tensor Forward(const Weights& weights, torch::Tensor inputs) const;

  // Its layers one by one, for who has something to do before each.
  int layer_count() const { return static_cast<int>(layers_.size()); }
  torch::Tensor ForwardLayer(const Weights& weights, int layer, const torch::Tensor& inputs) const;

  int64_t outputs() const { return outputs_; }

 private:
  std::vector<Linear> layers_;
  const Skip skip_;
  int64_t outputs_;
};

// `count` linear layers of one shape side by side: [count, rows, inputs] -> [count, rows, outputs], one batched
// product.
class StackedLinear {
 public:
  // count_axis, input_axis: what its layers and each one's inputs stand for.
  StackedLinear(ParameterLayout& layout, const std::string& name, int64_t count, int64_t inputs, int64_t outputs,
                ParameterAxis count_axis, ParameterAxis input_axis);

  torch::Tensor Forward(const Weights& weights, const torch::Tensor& inputs) const;
  // One of them alone: [rows, inputs] -> [rows, outputs].
  torch::Tensor ForwardOne(const Weights& weights, int64_t index, const torch::Tensor& inputs) const;

 private:
  int weight_;  // [count, inputs, outputs]
  int bias_;    // [count, 1, outputs]
};

// `count` MLPs of one shape side by side: [count, rows, inputs] -> [count, rows, widths.back()], one batched product a
// layer.
class StackedMlp {
 public:
  StackedMlp(ParameterLayout& layout, const std::string& name, int64_t count, int64_t inputs,
             const std::vector<int64_t>& widths, Skip skip, ParameterAxis count_axis,
             ParameterAxis input_axis = ParameterAxis::kPlain);

  torch::Tensor Forward(const Weights& weights, torch::Tensor inputs) const;
  // One of them alone: [rows, inputs] -> [rows, widths.back()].
  torch::Tensor ForwardOne(const Weights& weights, int64_t index, torch::Tensor inputs) const;

  // Its layers one by one, for who has something to do before each; `inputs` as above.
  int layer_count() const { return static_cast<int>(layers_.size()); }
  torch::Tensor ForwardLayer(const Weights& weights, int layer, const torch::Tensor& inputs) const;
  torch::Tensor ForwardOneLayer(const Weights& weights, int layer, int64_t index, const torch::Tensor& inputs) const;

  int64_t outputs() const { return outputs_; }

 private:
  bool last(int layer) const { return layer + 1 == layer_count(); }

  std::vector<StackedLinear> layers_;
  const Skip skip_;
  int64_t outputs_;
};

}  // namespace polyscene
