// How the values of a sequence are weighed where it is pooled by attention.
#pragma once

#include <torch/types.h>

namespace polyscene {

// Its weights belong to the network, which is another room.
class SequenceAttention {
 public:
  virtual ~SequenceAttention() = default;

  // A weight for each value of the sequence slot: [n, 1]. entries: the values' embeddings, targets: for each the
  // embedding that its row has of what it is weighed against; [n, dimension] both.
  virtual torch::Tensor WeightsOf(int slot, const torch::Tensor& entries, const torch::Tensor& targets) const = 0;
};

}  // namespace polyscene
