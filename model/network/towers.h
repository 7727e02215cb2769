// Each task's own layers: hidden layers of the declared widths, then one linear layer of its outputs.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "model/network/mlp.h"
#include "model/network/parameters.h"
#include "model/spec/model_spec.h"

namespace polyscene {

class Towers {
 public:
  Towers(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

  // Logits of one task: [rows, inputs] -> [rows, outputs].
  torch::Tensor ForwardOne(const Parameters& parameters, int task, const torch::Tensor& inputs) const;

  // Logits of every task, in order: [tasks, rows, inputs] -> [rows, outputs] each.
  std::vector<torch::Tensor> ForwardAll(const Parameters& parameters, const torch::Tensor& inputs) const;

 private:
  torch::Tensor Head(const Parameters& parameters, int task, const torch::Tensor& hidden) const;

  struct Layer {
    int weight;  // [inputs, outputs]
    int bias;    // [outputs]
  };
  StackedMlp hidden_;
  std::vector<Layer> heads_;  // [tasks]
};

}  // namespace polyscene
