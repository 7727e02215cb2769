// Gradients of several losses on the same weights, each on its own.
#pragma once

#include <torch/types.h>

#include <vector>

#include "absl/types/span.h"
#include "model/balance/gradient_products.h"

namespace polyscene {

class SeparateGradients {
 public:
  // losses: scalars of one graph, which is kept; weights: leaves of it. Costs a backward pass a loss, as far down as
  // these weights, and leaves their grad() alone.
  SeparateGradients(absl::Span<const torch::Tensor> losses, absl::Span<const torch::Tensor> weights);

  // Inner products over all the weights together: [losses].
  GradientProducts Products() const;

  // The sum of factor x gradient on one of the weights, in its shape; undefined where no loss depends on it. factors:
  // [losses].
  torch::Tensor Sum(size_t weight, absl::Span<const double> factors) const;

 private:
  const int count_;
  std::vector<std::vector<int64_t>> sizes_;  // [weights]
  std::vector<torch::Tensor> gradients_;     // [weights] [losses, elements], undefined where none depends on it.
};

}  // namespace polyscene
