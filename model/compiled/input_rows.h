// From encoded ids and numbers to the rows that a program begins with: gathers embeddings, pools sequences.
#pragma once

#include <array>
#include <cstddef>
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
  // So many that what a step asks for is there by the next one, and so few that it is still in the first cache (an id
  // of a million takes 28 ns by 8 and 23 by 16 on Zen 5; 32 gain a twentieth at most).
  static constexpr int kIdsAtOnce = 16;
  static constexpr size_t kSteps = 4;  // From an id to its value.

  // Some ids of one embedding on their way to their values.
  struct Search {
    const InputPiece* piece = nullptr;
    const RowIndexSlots* index = nullptr;
    const FrozenRows* rows = nullptr;
    uint32_t table = 0;
    int begin = 0;  // The first, of the ids that the embedding has in the rows that Write() writes,
    int count = 0;  // and how many they are.
    bool last = false;
    const uint64_t* ids = nullptr;                         // [count]
    std::array<uint32_t, kIdsAtOnce> tags = {};            // What the index knows them by,
    std::array<uint32_t, kIdsAtOnce> guesses = {};         // rows where they may be, kNoRow: to be looked for,
    std::array<const uint32_t*, kIdsAtOnce> entries = {};  // those rows' pages,
    std::array<uint64_t, kIdsAtOnce> places = {};          // and where they are.
  };
  using Pointers = std::array<const float*, kIdsAtOnce>;

  // Where the rows are written to.
  struct Written {
    RowsView rows;
    int count = 0;
    InputColumns columns = InputColumns::kAll;
    int ColumnOf(const InputPiece& piece) const {
      return columns == InputColumns::kAll ? piece.column : piece.side_column;
    }
  };

  // The sum of a sequence's values, in the making.
  struct Pool {
    int row = 0;
    int ids = 0;  // Of it that have been added.
    std::vector<float> sum;
  };

  void WriteDense(const InputPiece& piece, const Written& to);
  int CountIds(const InputPiece& piece, int rows) const;
  // The next of the embedding's ids, from the one at `begin` on, of `ids` in all.
  void Take(const FrozenTables& tables, const InputPiece& piece, int begin, int ids, Search& search) const;
  // Each asks for the memory that the next one will want.
  static void Begin(Search& search);
  static void Guess(Search& search);
  static void Approach(Search& search);
  void Finish(const FrozenTables& tables, const Search& search, const Written& to);
  const float* Initial(const FrozenTables& tables, const Search& search, int i);  // Of an id without a row.
  void AddToPool(const Search& search, const Pointers& values, const Written& to);
  void WritePool(const InputPiece& piece, const Written& to);

  const ModelSpec& spec_;
  const EncodedBatch* batch_ = nullptr;
  int64_t row_ = 0;                      // The next one.
  std::vector<size_t> next_value_;       // [slots] of sequences: where the next row's ids begin.
  std::array<Search, kSteps> searches_;  // The last ones that were begun, each a step behind the next.
  std::vector<float> initial_;           // [kIdsAtOnce, width]
  Pool pool_;
  std::vector<const float*> dense_;
};

}  // namespace polyscene
