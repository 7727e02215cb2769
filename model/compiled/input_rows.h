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
  // The ids of one embedding on their way to their values.
  struct Search {
    const InputPiece* piece = nullptr;
    absl::Span<const uint64_t> ids;
    std::vector<uint32_t> tags;            // [ids] what the index knows them by,
    std::vector<uint32_t> guesses;         // rows where they may be, kNoRow: to be looked for,
    std::vector<const uint32_t*> entries;  // those rows' pages,
    std::vector<uint64_t> places;          // and where they are.
  };
  // Each asks for the memory that the next one will want.
  void Begin(const FrozenTables& tables, const InputPiece& piece, int count, Search& search);
  void Guess(const FrozenTables& tables, Search& search) const;
  void Approach(const FrozenTables& tables, Search& search) const;
  // Pointers to the values, in pointers_: a row's, or for an id without one, its initial ones.
  void Finish(const FrozenTables& tables, const Search& search);
  void WriteEmbedding(const Search& search, int count, int column, const RowsView& rows);

  const ModelSpec& spec_;
  const EncodedBatch* batch_ = nullptr;
  int64_t row_ = 0;                 // The next one.
  std::vector<size_t> next_value_;  // [slots] of sequences: where the next row's ids begin.
  std::vector<Search> searches_;    // Of the pieces that are embeddings, in order.
  std::vector<size_t> missing_;     // Ids of a search without a row.
  std::vector<const float*> pointers_;
  std::vector<float> initial_;
  std::vector<float> pooled_;
};

}  // namespace polyscene
