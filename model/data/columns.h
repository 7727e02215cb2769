// Feature values as plain columns: what readers produce, the wire carries and encoders consume.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace polyscene {

enum class ValueType { kInt64, kFloat, kString };

// "INT64", "FLOAT" or "STRING", as the model file writes it.
absl::string_view ValueTypeName(ValueType type);

// One feature's values for all rows of a table, borrowed from whoever holds them (a protobuf, a Table).
//
// Exactly the span of `type` is filled. A single-valued feature has one value a row. A sequence has lengths[r] values
// for row r, one row after the other. Rows in `missing` have no value, though the spans still hold an ignored entry.
struct ColumnView {
  absl::string_view name;
  ValueType type = ValueType::kInt64;
  absl::Span<const int64_t> ints;
  absl::Span<const float> floats;
  absl::Span<const absl::string_view> strings;
  absl::Span<const uint32_t> missing;  // Ascending row numbers.
  absl::Span<const uint32_t> lengths;  // [rows] of a sequence, else empty.

  int64_t value_count() const;
};

// Columns of one length, borrowed. Copying copies spans, not values.
struct TableView {
  int64_t rows = 0;
  std::vector<ColumnView> columns;

  const ColumnView* Find(absl::string_view name) const;  // Null if there is none.
  int64_t bytes() const;  // Of everything borrowed: values (of strings, their characters too), missing rows, lengths.
};

// One column that owns its values; fields as in ColumnView.
struct Column {
  std::string name;
  ValueType type = ValueType::kInt64;
  std::vector<int64_t> ints;
  std::vector<float> floats;
  std::vector<std::string> strings;
  std::vector<uint32_t> missing;
  std::vector<uint32_t> lengths;
};

// A table that owns its columns. Not thread-safe.
class Table {
 public:
  int64_t rows = 0;
  std::vector<Column> columns;

  Column& Add(absl::string_view name, ValueType type);  // The reference lives until the next Add().

  // Views the columns; valid until this table is changed, moved or destroyed.
  TableView View() const;

 private:
  mutable std::deque<std::vector<absl::string_view>> string_views_;  // What View() hands out for string columns.
};

}  // namespace polyscene
