// Row-wise Adagrad.
#pragma once

#include "model/optimizer/row_optimizer.h"

namespace polyscene {

// One accumulator a row, the sum of its mean squared gradients; every element of a row moves by
// rate x g / (sqrt(accumulator) + epsilon). Duchi et al., "Adaptive Subgradient Methods", JMLR 2011; a row each as in
// Mudigere et al., "Software-Hardware Co-design for Fast and Scalable Training of Deep Learning Recommendation Models",
// 2022.
class RowAdagrad : public RowOptimizer {
 public:
  explicit RowAdagrad(const v1::RowAdagrad& options);

  void Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
            const torch::Tensor& gradients) const override;

 private:
  const double rate_;
  const double initial_accumulator_;
  const double epsilon_;
  const double l2_;
};

}  // namespace polyscene
