// Products of inputs, made explicit before a network's first layer. Each kind is a file of its own.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "model/network/parameters.h"
#include "model/network/weights.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Stateless, any thread. This one is none: inputs pass as they are.
class Interaction {
 public:
  virtual ~Interaction() = default;

  // Inputs a row behind it, of `inputs` before it: those, in their order, and perhaps more behind them.
  virtual int64_t OutputsOf(int64_t inputs) const { return inputs; }

  // [rows, inputs] -> [rows, OutputsOf(inputs)]
  virtual torch::Tensor Forward(const Weights& weights, const torch::Tensor& inputs) const { return inputs; }
};

// The one that the model file asks for. prefix: before the names of its matrices.
std::unique_ptr<Interaction> CreateInteraction(ParameterLayout& layout, const ModelSpec& spec,
                                               const std::string& prefix, int64_t inputs);

}  // namespace polyscene
