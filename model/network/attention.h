// The local activation units that weigh the values of sequences.
// Zhou et al., "Deep Interest Network for Click-Through Rate Prediction", KDD 2018.
//
// A unit reads a value's embedding, that of the feature it is weighed against, and their product: where the paper's
// first layer would have to find out what two embeddings have in common, the product says it. ReLU stands where the
// paper has Dice.
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "model/embedding/sequence_attention.h"
#include "model/network/linear.h"
#include "model/network/mlp.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// A unit for each slot that is pooled by attention. Stateless, any thread.
class AttentionUnits {
 public:
  // Declares "attention.<feature>.0.weight" and so on, "attention.<feature>.<n>..." from a feature's second embedding
  // on.
  AttentionUnits(ParameterLayout& layout, const ModelSpec& spec);

  // With these weights. Borrows both for its life.
  class Bound : public SequenceAttention {
   public:
    Bound(const AttentionUnits& units, const Parameters& parameters) : units_(units), weights_(parameters) {}
    torch::Tensor WeightsOf(int slot, const torch::Tensor& entries, const torch::Tensor& targets) const override;

   private:
    const AttentionUnits& units_;
    const Weights weights_;
  };

 private:
  struct Unit {
    Unit(ParameterLayout& layout, const std::string& name, int64_t dimension, const std::vector<int64_t>& hidden);

    const Mlp hidden;
    const Linear out;  // To the weight.
  };

  std::vector<std::unique_ptr<Unit>> units_;  // [slots]; null where none is needed.
};

}  // namespace polyscene
