// Which logits a caller wants of a network.
#pragma once

#include <torch/types.h>

#include "absl/types/span.h"

namespace polyscene {

// A task to compute, and the rows to compute it for.
struct WantedTask {
  int task = 0;        // Index into ModelSpec::tasks(); within the network, which has no products, into towers().
  torch::Tensor rows;  // Ascending row numbers [n] int64; undefined: every row.
};

// Every task, in order, for every row: what tasks have of their own then runs side by side in batched products.
inline bool WantsEverything(absl::Span<const WantedTask> wanted, size_t task_count) {
  if (wanted.size() != task_count) return false;
  for (size_t t = 0; t < wanted.size(); ++t) {
    if (wanted[t].task != static_cast<int>(t) || wanted[t].rows.defined()) return false;
  }
  return true;
}

// The wanted task's rows of `values` [rows, ...], which are on one device with its row numbers.
inline torch::Tensor SelectRows(const torch::Tensor& values, const WantedTask& want) {
  return want.rows.defined() ? values.index_select(0, want.rows) : values;
}

}  // namespace polyscene
