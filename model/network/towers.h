// Each task's own layers: hidden layers of the declared widths, then one linear layer of its outputs.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "model/network/mlp.h"
#include "model/network/parameters.h"
#include "model/network/wanted.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// What the inputs of each of the towers' layers are multiplied with, for the rows of one forward pass. Layers are
// numbered from 0; behind the hidden ones comes the head.
class TowerFactors {
 public:
  virtual ~TowerFactors() = default;
  virtual torch::Tensor All(int layer) const = 0;                          // [tasks, rows, inputs of the layer]
  virtual torch::Tensor One(int layer, const WantedTask& want) const = 0;  // [n, inputs of the layer]
};

class Towers {
 public:
  Towers(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

  // Logits of one task: [n, inputs] -> [n, outputs]. factors: none where null.
  torch::Tensor ForwardOne(const Weights& weights, const WantedTask& want, torch::Tensor inputs,
                           const TowerFactors* factors) const;

  // Logits of every task, in order: [tasks, rows, inputs] -> [rows, outputs] each.
  std::vector<torch::Tensor> ForwardAll(const Weights& weights, torch::Tensor inputs,
                                        const TowerFactors* factors) const;

 private:
  const StackedMlp hidden_;
  std::vector<Linear> heads_;  // [ModelSpec::towers()]
};

}  // namespace polyscene
