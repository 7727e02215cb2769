// Each task's own layers: hidden layers of the declared widths, then one linear layer of its outputs.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "model/network/linear.h"
#include "model/network/parameters.h"
#include "model/network/wanted.h"
#include "model/network/weights.h"
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

// Stateless, any thread. factors: none where null.
class Towers {
 public:
  virtual ~Towers() = default;

  // Whether scenes have towers of their own: then a pass is of rows of one scene.
  virtual bool of_scenes() const = 0;

  // Logits of one task: [n, inputs] -> [n, outputs]. scene: of the rows, where it matters.
  virtual torch::Tensor ForwardOne(const Weights& weights, int scene, const WantedTask& want, torch::Tensor inputs,
                                   const TowerFactors* factors) const = 0;

  // Logits of every task, in order: [tasks, rows, inputs] -> [rows, outputs] each.
  virtual std::vector<torch::Tensor> ForwardAll(const Weights& weights, int scene, torch::Tensor inputs,
                                                const TowerFactors* factors) const = 0;
};

// What the model file asks for: a tower for each task, or one for each scene and task. inputs: of a tower, a row.
std::unique_ptr<Towers> CreateTowers(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

}  // namespace polyscene
