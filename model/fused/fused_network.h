// The network that training runs: the same mathematics as model/network, its forward and backward pass by hand behind
// LibTorch's autograd.
//
// Each scene's rows run through the steps of model/compiled, whose way back follows from each step: a product's are two
// products, and what lies between them is done in the pass over memory that it takes anyway. No graph is recorded, no
// gradient of an intermediate is allocated, and no row passes through towers that its scene does not have.
#pragma once

#include <memory>
#include <vector>

#include "model/fused/between_pieces.h"
#include "model/network/network.h"

namespace polyscene {

class FusedNetwork : public Network {
 public:
  // reference: without products; what is asked for without gradients, on another device than the CPU, or of too few
  // rows a program goes there. between_pieces: called between steps of either way, by who goes it; null: nothing is.
  FusedNetwork(const ModelSpec& spec, std::unique_ptr<const Network> reference,
               std::shared_ptr<const BetweenPieces> between_pieces = nullptr);
  ~FusedNetwork() override;

  // A row whose scene does not have the task gets logits of 0, through which no gradient flows. Its gradients have no
  // gradients of their own.
  std::vector<torch::Tensor> Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                     absl::Span<const int32_t> scenes,
                                     absl::Span<const WantedTask> wanted) const override;

  class Passes;  // Idle ones, kept for their memory.

 private:
  // Whether there are enough rows of one program each.
  bool WorthWhile(absl::Span<const int32_t> scenes) const;

  const std::unique_ptr<const Network> reference_;
  std::vector<int> tower_outputs_;  // [towers]
  const std::shared_ptr<Passes> passes_;
};

// CreateNetwork() with a fused network in it.
std::unique_ptr<Network> CreateTrainedNetwork(const ModelSpec& spec, int64_t input_width);
std::unique_ptr<Network> CreateTrainedNetwork(const ModelSpec& spec, int64_t input_width,
                                              std::shared_ptr<const BetweenPieces> between_pieces);

}  // namespace polyscene
