// Row numbers as an index of tensors.
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cstdint>

#include "absl/types/span.h"

namespace polyscene {

// [rows] int64 on `device`.
inline torch::Tensor RowNumbers(absl::Span<const uint32_t> rows, torch::Device device) {
  torch::Tensor numbers = torch::empty({static_cast<int64_t>(rows.size())}, torch::kInt64);
  std::copy(rows.begin(), rows.end(), numbers.data_ptr<int64_t>());
  return numbers.to(device);
}

}  // namespace polyscene
