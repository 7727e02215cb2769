#include "model/network/factorization_machine.h"

#include <torch/torch.h>

namespace polyscene {

torch::Tensor FactorizationMachine::Forward(const Weights& /*weights*/, const torch::Tensor& inputs) const {
  const torch::Tensor embeddings = inputs.narrow(1, 0, count_ * dimension_).reshape({-1, count_, dimension_});
  // The square of the sum holds every product twice and each square once.
  const torch::Tensor products = (embeddings.sum(1).square() - embeddings.square().sum(1)) * 0.5;
  return torch::cat({inputs, products}, 1);
}

}  // namespace polyscene
