// Embedding rows in a checkpoint.
//
// A row file (rows.000000 and so on) has sections "rows.<dimension>" or, where the optimizer's state is not one number
// a row, "rows.<dimension>.<state width>": a block of rows of one store each, a store's rows ascending within a file:
// u64 number of rows n, then row numbers [n] u32, tables [n] u32 (indexes into the model's tables), ids [n] u64, values
// [n, dimension] f32 and optimizer states [n, state width] f32. The tables tell the store. Where it is kept of rows
// when and how often they were learned from, the section is "used_rows.<dimension>.<state width>", and last uses [n]
// u32 and counts [n] u8 follow (see RowUse). Before a store's rows may stand sections "let_go.<table>", of one of its
// tables: row numbers [..] u32 of rows that were let go since the file before, or of the first one's all that are free;
// those of them that have an id again are among the rows. Only files with sections of these two kinds are of format 3.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/embedding/row_use.h"
#include "model/learning/checkpoint_file.h"

namespace polyscene {

struct RowBlock {
  bool let_go = false;  // Then it has `rows` alone, and one of their store's tables.
  int64_t dimension = 0;
  int64_t state_width = 1;
  std::vector<uint32_t> rows;
  std::vector<uint32_t> tables;
  std::vector<uint64_t> ids;
  std::vector<float> values;  // [rows, dimension]
  std::vector<float> states;  // [rows, state_width]
  bool has_uses = false;
  std::vector<RowUse> uses;  // [rows], where it has them.
  size_t file = 0;           // Its file's place in the chain.

  int64_t size() const { return static_cast<int64_t>(rows.size()); }
  void Resize(int64_t count);  // All of them; `dimension`, `state_width` and `has_uses` are set.
};

// Rows of a block: a few MiB, which is what stands in memory beside the tables while they are written or read.
int64_t RowsOfBlock(int64_t dimension, int64_t state_width);

// Bytes that a row takes in a file.
uint64_t RowBytes(int64_t dimension, int64_t state_width);

// Row numbers that were let go, in sections of a few MiB. `table`: one of their store's.
void WriteLetGo(uint32_t table, const std::vector<uint32_t>& rows, CheckpointWriter& writer);

// `values` apart, so that they need not be copied; [rows, dimension].
void WriteRowBlock(const RowBlock& block, const float* values, CheckpointWriter& writer);

// kDataLoss: not what WriteRowBlock() or WriteLetGo() wrote.
absl::Status ParseRowBlock(absl::string_view section_name, absl::string_view bytes, RowBlock& block);

}  // namespace polyscene
