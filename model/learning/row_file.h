// Embedding rows in a checkpoint.
//
// A row file (rows.000000 and so on) has sections "rows.<dimension>" or, where the optimizer's state is not one number
// a row, "rows.<dimension>.<state width>": a block of rows of one store each, a store's rows ascending within a file:
// u64 number of rows n, then row numbers [n] u32, tables [n] u32 (indexes into the model's tables), ids [n] u64, values
// [n, dimension] f32 and optimizer states [n, state width] f32. The tables tell the store.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/learning/checkpoint_file.h"

namespace polyscene {

struct RowBlock {
  int64_t dimension = 0;
  int64_t state_width = 1;
  std::vector<uint32_t> rows;
  std::vector<uint32_t> tables;
  std::vector<uint64_t> ids;
  std::vector<float> values;  // [rows, dimension]
  std::vector<float> states;  // [rows, state_width]

  int64_t size() const { return static_cast<int64_t>(rows.size()); }
  void Resize(int64_t count);  // All five; `dimension` and `state_width` are set.
};

// Rows of a block: a few MiB, which is what stands in memory beside the tables while they are written or read.
int64_t RowsOfBlock(int64_t dimension, int64_t state_width);

// Bytes that a row takes in a file.
uint64_t RowBytes(int64_t dimension, int64_t state_width);

// `values` apart, so that they need not be copied; [rows, dimension].
void WriteRowBlock(const RowBlock& block, const float* values, CheckpointWriter& writer);

// kDataLoss: not what WriteRowBlock() wrote.
absl::Status ParseRowBlock(absl::string_view section_name, absl::string_view bytes, RowBlock& block);

}  // namespace polyscene
