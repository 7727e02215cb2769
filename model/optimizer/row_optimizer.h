// Updates embedding rows: the cost follows the rows touched, never the table's size.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "absl/types/span.h"
#include "model/embedding/row_store.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

// Row-wise Adagrad: one accumulator a row, the sum of its mean squared gradients; every element of a row moves by
// rate x g / (sqrt(accumulator) + epsilon). Duchi et al., "Adaptive Subgradient Methods", JMLR 2011; a row each as in
// Mudigere et al., "Software-Hardware Co-design for Fast and Scalable Training of Deep Learning Recommendation Models",
// 2022.
class RowAdagrad {
 public:
  explicit RowAdagrad(const v1::RowAdagrad& options);

  // rows: distinct; values, gradients: [rows, dimension] on the store's device, `values` as gathered.
  void Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
            const torch::Tensor& gradients) const;

 private:
  const double rate_;
  const double initial_accumulator_;
  const double epsilon_;
};

}  // namespace polyscene
