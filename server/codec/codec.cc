#include "server/codec/codec.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "model/feature/encoder.h"
#include "server/codec/keep_rows.h"

namespace polyscene {
namespace {

template <typename T>
absl::Span<const T> ViewOf(const google::protobuf::RepeatedField<T>& values) {
  // What the wire calls sfixed64 must be what columns call int64_t, or the span below would not be the array itself.
  static_assert(std::is_same_v<T, int64_t> || std::is_same_v<T, float> || std::is_same_v<T, uint32_t>);
  return absl::MakeConstSpan(values.data(), static_cast<size_t>(values.size()));
}

// Which array of `column` is filled. None: INT64, of no values.
absl::StatusOr<ValueType> FilledType(const v1::Column& column) {
  const int filled = !column.ints().empty() + !column.floats().empty() + !column.strings().empty();
  if (filled > 1) {
    return absl::InvalidArgumentError(absl::StrCat("column '", column.name(), "' has ", column.ints_size(), " ints, ",
                                                   column.floats_size(), " floats and ", column.strings_size(),
                                                   " strings; expected values in one of the three"));
  }
  if (!column.floats().empty()) return ValueType::kFloat;
  if (!column.strings().empty()) return ValueType::kString;
  return ValueType::kInt64;
}

}  // namespace

void DecodedTable::Clear() {
  constexpr size_t kMostKept = 256;
  view.rows = 0;
  view.columns.clear();
  if (view.columns.capacity() > kMostKept) view.columns.shrink_to_fit();
  strings_.clear();
  ids_.clear();
}

absl::StatusOr<DecodedTable> DecodeTable(const google::protobuf::RepeatedPtrField<v1::Column>& columns, int64_t rows) {
  DecodedTable table;
  if (absl::Status status = DecodeTable(columns, rows, &table); !status.ok()) return status;
  return table;
}

absl::Status DecodeTable(const google::protobuf::RepeatedPtrField<v1::Column>& columns, int64_t rows,
                         DecodedTable* table) {
  table->view.columns.clear();
  table->strings_.clear();
  table->ids_.clear();
  table->view.columns.reserve(columns.size());
  for (const v1::Column& column : columns) {
    absl::StatusOr<ValueType> type = FilledType(column);
    if (!type.ok()) return type.status();
    ColumnView& view = table->view.columns.emplace_back();
    view.name = column.name();
    view.type = *type;
    view.ints = ViewOf(column.ints());
    view.floats = ViewOf(column.floats());
    view.missing = ViewOf(column.missing_rows());
    view.lengths = ViewOf(column.lengths());
    if (*type == ValueType::kString) {
      auto strings = std::make_unique<std::vector<absl::string_view>>(column.strings().begin(), column.strings().end());
      view.strings = *strings;
      table->strings_.push_back(std::move(strings));
    }
  }
  if (rows < 0) {
    rows = 0;
    if (!table->view.columns.empty()) {
      const ColumnView& first = table->view.columns.front();
      rows = first.lengths.empty() ? first.value_count() : static_cast<int64_t>(first.lengths.size());
    }
  }
  table->view.rows = rows;
  return absl::OkStatus();
}

void EncodeTable(const TableView& table, google::protobuf::RepeatedPtrField<v1::Column>* columns) {
  for (const ColumnView& view : table.columns) {
    v1::Column* column = columns->Add();
    column->set_name(std::string(view.name));
    column->mutable_ints()->Add(view.ints.begin(), view.ints.end());
    column->mutable_floats()->Add(view.floats.begin(), view.floats.end());
    column->mutable_strings()->Reserve(static_cast<int>(view.strings.size()));
    for (const absl::string_view value : view.strings) column->add_strings(value.data(), value.size());
    column->mutable_missing_rows()->Add(view.missing.begin(), view.missing.end());
    column->mutable_lengths()->Add(view.lengths.begin(), view.lengths.end());
  }
}

namespace {

bool HasPersonal(const ModelSpec& spec) {
  return std::any_of(spec.features().begin(), spec.features().end(), [](const FeatureSpec& f) { return f.personal; });
}

// Of each row's values the last `max_length`, in place.
template <typename Values>
void KeepLast(const google::protobuf::RepeatedField<uint32_t>& lengths, uint32_t max_length, Values* values) {
  if (values->empty()) return;
  int to = 0;
  int from = 0;
  for (const uint32_t length : lengths) {
    const uint32_t kept = std::min(length, max_length);
    from += static_cast<int>(length - kept);
    for (uint32_t i = 0; i < kept; ++i) values->SwapElements(to++, from++);
  }
  while (values->size() > to) values->RemoveLast();
}

}  // namespace

void CutSequences(const ModelSpec& spec, google::protobuf::RepeatedPtrField<v1::Column>* columns) {
  for (v1::Column& column : *columns) {
    const int feature = spec.FindFeature(column.name());
    if (feature < 0 || !spec.features()[feature].sequence) continue;
    if (spec.features()[feature].vector_length > 0) continue;  // Whole, or refused.
    const uint32_t max_length = static_cast<uint32_t>(spec.features()[feature].max_length);
    KeepLast(column.lengths(), max_length, column.mutable_ints());
    KeepLast(column.lengths(), max_length, column.mutable_strings());
    for (uint32_t& length : *column.mutable_lengths()) length = std::min(length, max_length);
  }
}

absl::StatusOr<DecodedExamples> DecodeEvents(const v1::EventBatch& batch) {
  absl::StatusOr<DecodedTable> table = DecodeTable(batch.columns(), batch.rows());
  if (!table.ok()) return table.status();
  DecodedExamples decoded{*std::move(table), {}};
  ExamplesView& view = decoded.view;
  view.scene = batch.scene();
  view.features = decoded.table.view;
  view.labels.reserve(batch.labels_size());
  for (const v1::Labels& labels : batch.labels()) {
    view.labels.push_back({labels.task(), ViewOf(labels.values()), ViewOf(labels.missing_rows())});
  }
  view.weights = ViewOf(batch.weights());
  view.event_times_micros = ViewOf(batch.event_times_micros());
  return decoded;
}

absl::StatusOr<DecodedExamples> DecodeRecord(const v1::LogRecord& record) {
  absl::StatusOr<DecodedExamples> decoded = DecodeEvents(record.events());
  if (!decoded.ok() || !record.has_joined()) return decoded;
  decoded->view.served.reserve(record.joined().served_size());
  for (const v1::ServedScores& served : record.joined().served()) {
    decoded->view.served.push_back({served.task(), ViewOf(served.values()), ViewOf(served.missing_rows())});
  }
  decoded->view.corrections = ViewOf(record.joined().correction_rows());
  return decoded;
}

void HashPersonal(const ModelSpec& spec, const HashKey& key, google::protobuf::RepeatedPtrField<v1::Column>* columns) {
  for (v1::Column& column : *columns) {
    const int feature = spec.FindFeature(column.name());
    if (feature < 0 || !spec.features()[feature].personal) continue;
    for (int64_t& value : *column.mutable_ints()) value = PersonalId(key, value);
    column.mutable_ints()->Reserve(column.strings_size());
    for (const std::string& value : column.strings()) column.add_ints(PersonalId(key, value));
    column.clear_strings();
  }
}

void HashPersonal(const ModelSpec& spec, const HashKey& key, DecodedTable* table) {
  if (!HasPersonal(spec)) return;  // Saves every request the looking up of its columns' names.
  for (ColumnView& column : table->view.columns) {
    const int feature = spec.FindFeature(column.name);
    if (feature < 0 || !spec.features()[feature].personal) continue;
    auto ids = std::make_unique<std::vector<int64_t>>();
    ids->reserve(static_cast<size_t>(column.value_count()));
    for (const int64_t value : column.ints) ids->push_back(PersonalId(key, value));
    for (const absl::string_view value : column.strings) ids->push_back(PersonalId(key, value));
    column.type = ValueType::kInt64;
    column.ints = *ids;
    column.strings = {};
    table->ids_.push_back(std::move(ids));
  }
}

std::vector<RowError> AcceptEvents(const ModelSpec& spec, const HashKey& key, int64_t max_rows, v1::EventBatch* batch) {
  std::vector<RowError> errors;
  const int64_t rows = batch->rows();
  if (rows == 0 || rows > max_rows) {
    // One error stands for the batch: the number it claims costs its sender nothing and must cost us nothing.
    errors.push_back({0, rows == 0 ? "no_rows" : "too_many_rows",
                      absl::StrCat("rows: got ", rows, ", expected 1 to ", max_rows, " rows a batch")});
    KeepNoRows(spec, batch);
    return errors;
  }
  absl::StatusOr<DecodedExamples> decoded = DecodeEvents(*batch);
  if (decoded.ok()) {
    ValidateExamples(spec, decoded->view, max_rows, errors);
  } else {
    for (int64_t row = 0; row < rows; ++row) {
      errors.push_back({row, "wrong_type", std::string(decoded.status().message())});
    }
  }
  if (static_cast<int64_t>(errors.size()) >= rows) {
    KeepNoRows(spec, batch);
    return errors;
  }
  if (!errors.empty()) {
    std::vector<bool> keep(rows, true);
    for (const RowError& error : errors) keep[error.row] = false;
    KeepRows(spec, keep, batch);
  }
  HashPersonal(spec, key, batch->mutable_columns());
  return errors;
}

}  // namespace polyscene
