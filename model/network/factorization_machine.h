// The sum of the products of every two embeddings, a vector of their dimension, as further inputs.
// Rendle, "Factorization Machines", ICDM 2010; kept a vector as in He and Chua, "Neural Factorization Machines for
// Sparse Predictive Analytics", SIGIR 2017.
#pragma once

#include "model/network/interaction.h"

namespace polyscene {

// Embeddings of one dimension lie side by side before all other inputs (see SlotGroup).
class FactorizationMachine : public Interaction {
 public:
  explicit FactorizationMachine(const ModelSpec& spec)
      : count_(static_cast<int64_t>(spec.slots().size())), dimension_(spec.slots()[0].dimension) {}

  int64_t OutputsOf(int64_t inputs) const override { return inputs + dimension_; }
  torch::Tensor Forward(const Weights& weights, const torch::Tensor& inputs) const override;

 private:
  const int64_t count_;
  const int64_t dimension_;
};

}  // namespace polyscene
