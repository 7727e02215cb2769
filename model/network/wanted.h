// How networks read a list of wanted tasks.
#pragma once

#include <torch/types.h>

#include "model/network/network.h"

namespace polyscene {

// Every task, in order, for every row: the towers then run side by side in batched products.
inline bool WantsEverything(absl::Span<const WantedTask> wanted, size_t task_count) {
  if (wanted.size() != task_count) return false;
  for (size_t t = 0; t < wanted.size(); ++t) {
    if (wanted[t].task != static_cast<int>(t) || wanted[t].rows.defined()) return false;
  }
  return true;
}

// The wanted task's rows of `values` [rows, ...].
inline torch::Tensor SelectRows(const torch::Tensor& values, const WantedTask& want) {
  return want.rows.defined() ? values.index_select(0, want.rows) : values;
}

}  // namespace polyscene
