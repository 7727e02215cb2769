#include "model/data/table_slice.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "absl/types/span.h"

namespace polyscene {
namespace {

// Of a column's three arrays only the one of its type is filled.
template <typename T>
absl::Span<const T> Part(absl::Span<const T> values, size_t first, size_t count) {
  return values.empty() ? values : values.subspan(first, count);
}

size_t Sum(absl::Span<const uint32_t> lengths) { return std::accumulate(lengths.begin(), lengths.end(), size_t{0}); }

}  // namespace

const TableView& TableSlice::Cut(const TableView& table, int64_t begin, int64_t end) {
  const auto row = static_cast<size_t>(begin);
  const auto rows = static_cast<size_t>(end - begin);
  view_.rows = end - begin;
  view_.columns.resize(table.columns.size());
  missing_.resize(std::max(missing_.size(), table.columns.size()));
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const ColumnView& from = table.columns[c];
    ColumnView& to = view_.columns[c];
    to.name = from.name;
    to.type = from.type;
    to.lengths = Part(from.lengths, row, rows);
    const bool sequence = !from.lengths.empty();
    const size_t first = sequence ? Sum(from.lengths.subspan(0, row)) : row;
    const size_t count = sequence ? Sum(to.lengths) : rows;
    to.ints = Part(from.ints, first, count);
    to.floats = Part(from.floats, first, count);
    to.strings = Part(from.strings, first, count);

    missing_[c].clear();
    auto absent = std::lower_bound(from.missing.begin(), from.missing.end(), static_cast<uint32_t>(begin));
    for (; absent != from.missing.end() && *absent < end; ++absent) {
      missing_[c].push_back(*absent - static_cast<uint32_t>(begin));
    }
    to.missing = missing_[c];
  }
  return view_;
}

}  // namespace polyscene
