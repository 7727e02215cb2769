// Embedding rows in a checkpoint.
//
// A row file (rows.000000 and so on) has sections "rows.<dimension>", a block of rows each, rows ascending within a
// file: u64 number of rows n, then row numbers [n] u32, tables [n] u32 (indexes into the model's tables), ids [n] u64,
// values [n, dimension] f32 and optimizer states [n] f32.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/learning/checkpoint_file.h"

namespace polyscene {

struct RowBlock {
  int64_t dimension = 0;
  std::vector<uint32_t> rows;
  std::vector<uint32_t> tables;
  std::vector<uint64_t> ids;
  std::vector<float> values;  // [rows, dimension]
  std::vector<float> states;

  int64_t size() const { return static_cast<int64_t>(rows.size()); }
  void Resize(int64_t count);  // All five; `dimension` is set.
};

// Rows of a block: a few MiB, which is what stands in memory beside the tables while they are written or read.
int64_t RowsOfBlock(int64_t dimension);

// Bytes that a row takes in a file.
uint64_t RowBytes(int64_t dimension);

// `values` apart, so that they need not be copied; [rows, dimension].
void WriteRowBlock(const RowBlock& block, const float* values, CheckpointWriter& writer);

// kDataLoss: not what WriteRowBlock() wrote.
absl::Status ParseRowBlock(absl::string_view section_name, absl::string_view bytes, RowBlock& block);

}  // namespace polyscene
