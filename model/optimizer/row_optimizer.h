// Updates embedding rows: the cost follows the rows touched, never the table's size.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>

#include "absl/types/span.h"
#include "model/embedding/row_store.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

// What it keeps of a row is in the store, TableSpec::state_width numbers, zeros for a row that it never met.
//
// Threads: one, the trainer.
class RowOptimizer {
 public:
  virtual ~RowOptimizer() = default;

  // rows: distinct; values, gradients: [rows, dimension] on the store's device, `values` as gathered.
  virtual void Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
                    const torch::Tensor& gradients) const = 0;
};

// `options` with its defaults filled in.
std::unique_ptr<const RowOptimizer> CreateRowOptimizer(const v1::RowOptimizer& options);

}  // namespace polyscene
