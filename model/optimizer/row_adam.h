// Adam on the rows that a step touches.
#pragma once

#include "model/optimizer/row_optimizer.h"

namespace polyscene {

// Kingma and Ba, "Adam", ICLR 2015, with bias correction. A row's moments and its count of steps stand still while no
// step touches it. State of a row: first moments [dimension], second moments [dimension], steps. The count is a float:
// it stays at 2^24, where both corrections are long 1.
class RowAdam : public RowOptimizer {
 public:
  explicit RowAdam(const v1::RowAdam& options);

  void Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
            const torch::Tensor& gradients) const override;

 private:
  const double rate_;
  const double beta1_;
  const double beta2_;
  const double epsilon_;
  const double l2_;
};

}  // namespace polyscene
