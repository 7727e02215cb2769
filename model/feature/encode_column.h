// Encodes one feature's column by one of its encodings. Private to this folder.
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "model/data/columns.h"
#include "model/feature/encoded_batch.h"
#include "model/feature/hash_key.h"
#include "model/feature/statistics.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// One encoding with what would otherwise be looked up for each row.
struct EncodingPlan {
  EncodingPlan(const ModelSpec& spec, const FeatureSpec& feature, const EncodingSpec& encoding);

  const FeatureSpec* feature;  // In the ModelSpec, as is the next.
  const EncodingSpec* encoding;
  bool candidate = false;  // It depends on a feature of the candidate side.
  // Vocabulary: 1 .. n. One-hot: 0 .. n - 1. By the listed value; one of the two is filled.
  absl::flat_hash_map<std::string, int> strings;
  absl::flat_hash_map<int64_t, int> ints;
};

// One of the columns that a crossed id is made of.
struct CrossedColumn {
  const ColumnView* column = nullptr;  // Null: missing in every row.
  bool one_row = false;                // Its first row holds for all.
};

// Appends the ids of rows [begin, end) of the combination of `columns`, in their order. Crossed plans alone.
void AppendCrossedIds(const HashKey& key, absl::Span<const CrossedColumn> columns, int64_t begin, int64_t end,
                      SlotIds& slot);

// Appends the ids of rows [begin, end) of `column` to `slot`. Null column: all missing. Plans with an embedding alone,
// but crossed ones.
void AppendIds(const EncodingPlan& plan, const HashKey& key, const ColumnView* column, int64_t begin, int64_t end,
               SlotIds& slot);

// Writes the dense inputs of rows [begin, end) of `column`: those of the first row from dense[0] on, those of each next
// row `stride` further. They must be zeros before. Null column: all missing. Plans without an embedding alone.
void WriteDense(const EncodingPlan& plan, const FeatureStatistics& statistics, const ColumnView* column, int64_t begin,
                int64_t end, int64_t stride, float* dense);

// Adds the values of rows [begin, end) to the encoding's statistics, in row order.
void ObserveColumn(const EncodingSpec& encoding, const ColumnView& column, int64_t begin, int64_t end,
                   RunningStatistics& statistics);

// The id of a string: its keyed hash, never kMissingId.
uint64_t StringId(const HashKey& key, absl::string_view value);

}  // namespace polyscene
