#include "model/data/columns.h"

namespace polyscene {

absl::string_view ValueTypeName(ValueType type) {
  switch (type) {
    case ValueType::kInt64:
      return "INT64";
    case ValueType::kFloat:
      return "FLOAT";
    case ValueType::kString:
      return "STRING";
  }
  return "VALUE_TYPE_UNSPECIFIED";
}

int64_t ColumnView::value_count() const {
  switch (type) {
    case ValueType::kInt64:
      return static_cast<int64_t>(ints.size());
    case ValueType::kFloat:
      return static_cast<int64_t>(floats.size());
    case ValueType::kString:
      return static_cast<int64_t>(strings.size());
  }
  return 0;
}

const ColumnView* TableView::Find(absl::string_view name) const {
  for (const ColumnView& column : columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

int64_t TableView::bytes() const {
  size_t bytes = 0;
  for (const ColumnView& column : columns) {
    bytes += column.ints.size() * sizeof(int64_t) + column.floats.size() * sizeof(float) +
             (column.missing.size() + column.lengths.size()) * sizeof(uint32_t);
    for (const absl::string_view value : column.strings) bytes += sizeof(value) + value.size();
  }
  return static_cast<int64_t>(bytes);
}

Column& Table::Add(absl::string_view name, ValueType type) {
  Column& column = columns.emplace_back();
  column.name = std::string(name);
  column.type = type;
  return column;
}

TableView Table::View() const {
  TableView view;
  view.rows = rows;
  view.columns.reserve(columns.size());
  // Written in place, so that a second View() of an unchanged table leaves the first one's spans where they are.
  string_views_.resize(columns.size());
  for (size_t c = 0; c < columns.size(); ++c) {
    const Column& column = columns[c];
    std::vector<absl::string_view>& strings = string_views_[c];
    strings.resize(column.strings.size());
    for (size_t i = 0; i < strings.size(); ++i) strings[i] = column.strings[i];

    ColumnView& out = view.columns.emplace_back();
    out.name = column.name;
    out.type = column.type;
    out.ints = column.ints;
    out.floats = column.floats;
    out.strings = strings;
    out.missing = column.missing;
    out.lengths = column.lengths;
  }
  return view;
}

}  // namespace polyscene
