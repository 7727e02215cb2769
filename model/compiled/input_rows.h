// From encoded ids and numbers to the rows that a program begins with: gathers embeddings, pools sequences.
#pragma once

#include <cstdint>
#include <vector>

#include "model/compiled/input_layout.h"
#include "model/compiled/row_kernels.h"
#include "model/embedding/embedding_tables.h"
#include "model/feature/encoded_batch.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Where the columns of one side go: to their own places among that side's, or among all inputs.
enum class InputColumns { kOfSide, kAll };

// Keeps memory between calls, allocates nothing once it has met the largest batch, and is not thread-safe.
class InputRows {
 public:
  explicit InputRows(const ModelSpec& spec) : spec_(spec) {}

  // Goes back to the first row of `batch`, whose rows are written next, in order.
  void Begin(const EncodedBatch& batch);

  // Writes the next `count` rows' columns of one side into rows [to, to + count) of `rows`. The scene's own inputs are
  // not among them.
  void Write(const FrozenTables& tables, const InputLayout& layout, bool context, InputColumns columns, int count,
             const RowsView& rows, int to);

 private:
  // Pointers to the values of `ids`, in pointers_: a row's, or for an id without one, its initial ones.
  void Find(const FrozenTables& tables, const InputPiece& piece, absl::Span<const uint64_t> ids);
  void WritePooled(const FrozenTables& tables, const InputPiece& piece, int count, const RowsView& rows, int to,
                   int column);

  const ModelSpec& spec_;
  const EncodedBatch* batch_ = nullptr;
  int64_t row_ = 0;                 // The next one.
  std::vector<size_t> next_value_;  // [slots] of sequences: where the next row's ids begin.
  std::vector<uint32_t> found_;
  std::vector<const float*> pointers_;
  std::vector<float> initial_;
  std::vector<float> pooled_;
};

}  // namespace polyscene
