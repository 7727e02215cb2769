#include "model/data/event_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/data/event_times.h"
#include "model/data/field_parser.h"

namespace polyscene {
namespace {

// A field as messages quote it: printable, and not longer than a line.
std::string Quoted(absl::string_view field) {
  constexpr size_t kLongest = 60;
  return absl::StrCat("'", absl::CHexEscape(field.substr(0, kLongest)), field.size() > kLongest ? "...'" : "'");
}

bool LooksNonFinite(absl::string_view field) {
  absl::string_view text = absl::StripAsciiWhitespace(field);
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return absl::EqualsIgnoreCase(text, "nan") || absl::EqualsIgnoreCase(text, "inf") ||
         absl::EqualsIgnoreCase(text, "infinity");
}

absl::string_view WhyNoNumber(absl::string_view field) { return LooksNonFinite(field) ? "not_finite" : "wrong_type"; }

void RemoveLastValues(Column& column, size_t count) {
  switch (column.type) {
    case ValueType::kInt64:
      column.ints.resize(column.ints.size() - count);
      break;
    case ValueType::kFloat:
      column.floats.resize(column.floats.size() - count);
      break;
    case ValueType::kString:
      column.strings.resize(column.strings.size() - count);
      break;
  }
}

// Takes everything of rows from `row` on out of `batch`, of which the last may be there in part.
void DropRow(uint32_t row, EventTable& batch) {
  for (Column& column : batch.features.columns) {
    if (!column.missing.empty() && column.missing.back() == row) column.missing.pop_back();
    if (!column.lengths.empty()) {
      if (column.lengths.size() > row) {
        RemoveLastValues(column, column.lengths.back());
        column.lengths.pop_back();
      }
    } else {
      const size_t values = column.ints.size() + column.floats.size() + column.strings.size();
      if (values > row) RemoveLastValues(column, values - row);
    }
  }
  for (EventTable::Labels& labels : batch.labels) {
    if (!labels.missing.empty() && labels.missing.back() == row) labels.missing.pop_back();
    labels.values.resize(std::min(labels.values.size(), static_cast<size_t>(row) * labels.outputs));
  }
  const auto shorten = [row](auto& values) { values.resize(std::min<size_t>(values.size(), row)); };
  shorten(batch.weights);
  shorten(batch.event_times_micros);
  shorten(batch.label_times_micros);
}

}  // namespace

ExamplesView EventTable::View() const {
  ExamplesView view;
  view.scene = scene;
  view.features = features.View();
  for (const Labels& task : labels) view.labels.push_back({task.task, task.values, task.missing});
  view.weights = weights;
  view.event_times_micros = event_times_micros;
  return view;
}

EventReader::EventReader(std::unique_ptr<CsvReader> csv, EventColumns columns, EventReaderOptions options)
    : options_(std::move(options)), columns_(std::move(columns)), csv_(std::move(csv)) {}

absl::StatusOr<std::unique_ptr<EventReader>> EventReader::Open(const std::string& path, const v1::ModelFile& model,
                                                               EventReaderOptions options) {
  if (options.batch_rows < 1) {
    return absl::InvalidArgumentError(absl::StrCat("batch_rows is ", options.batch_rows, ", expected at least 1"));
  }
  absl::StatusOr<std::unique_ptr<CsvReader>> csv = CsvReader::Open(path, options.csv);
  if (!csv.ok()) return csv.status();
  absl::StatusOr<EventColumns> columns = EventColumns::Find(model, (*csv)->header());
  if (!columns.ok()) {
    return absl::Status(columns.status().code(), absl::StrCat((*csv)->path(), ":1: ", columns.status().message()));
  }
  return std::unique_ptr<EventReader>(new EventReader(*std::move(csv), *std::move(columns), std::move(options)));
}

absl::StatusOr<bool> EventReader::Next(EventTable* batch) {
  if (ready_.empty() && !ended_) FillWindow();
  if (ready_.empty()) {
    if (!csv_->status().ok()) return csv_->status();
    return false;
  }
  *batch = std::move(ready_.front());
  ready_.pop_front();
  return true;
}

void EventReader::FillWindow() {
  std::vector<EventTable*> open(
      columns_.scenes.size());  // Each scene's batch that is not full. A deque keeps its place.
  const int64_t window_rows = std::max<int64_t>(options_.window_rows, 1);
  int64_t rows = 0;
  while (rows < window_rows && rows_read_ < options_.limit) {
    const CsvReader::Outcome outcome = csv_->Next();
    if (outcome == CsvReader::Outcome::kEnd) {
      ended_ = true;
      break;
    }
    if (outcome == CsvReader::Outcome::kBadLine) {
      Reject(csv_->problem(), csv_->message());
      continue;
    }
    const int scene = SceneOfRow();
    if (scene < 0) continue;
    EventTable*& batch = open[scene];
    const bool is_new = batch == nullptr;
    if (is_new) batch = &ready_.emplace_back(NewBatch(columns_.scenes[scene]));
    if (!AppendRow(columns_.scenes[scene], *batch)) {
      if (is_new) {  // Its place in the order is that of its first good row.
        ready_.pop_back();
        batch = nullptr;
      }
      continue;
    }
    ++rows;
    ++rows_read_;
    if (batch->rows() >= options_.batch_rows) batch = nullptr;
  }
  if (rows_read_ >= options_.limit) ended_ = true;
}

void EventReader::Reject(absl::string_view reason, std::string message) {
  ++lines_rejected_;
  if (options_.on_rejected) options_.on_rejected(RejectedLine{csv_->line(), reason, std::move(message)});
}

int EventReader::SceneOfRow() {
  if (columns_.scene_field < 0) return 0;
  const absl::string_view name = csv_->fields()[columns_.scene_field];
  for (size_t s = 0; s < columns_.scenes.size(); ++s) {
    if (columns_.scenes[s].scene == name) return static_cast<int>(s);
  }
  const std::string known = absl::StrJoin(
      columns_.scenes, ", ", [](std::string* out, const SceneColumns& scene) { out->append(scene.scene); });
  Reject("unknown_scene", absl::StrCat("column '", columns_.header[columns_.scene_field], "': got ", Quoted(name),
                                       ", expected a scene of the model: ", known));
  return -1;
}

EventTable EventReader::NewBatch(const SceneColumns& columns) const {
  EventTable batch;
  batch.scene = columns.scene;
  // More would be waste where a window's rows are spread over many scenes.
  const size_t likely_rows = std::min<int64_t>(options_.batch_rows, 256);
  batch.features.columns.reserve(columns.features.size());
  for (const FeatureColumn& feature : columns.features) {
    Column& column = batch.features.Add(feature.name, feature.type);
    if (feature.type == ValueType::kInt64) column.ints.reserve(likely_rows);
    if (feature.type == ValueType::kFloat) column.floats.reserve(likely_rows);
    if (feature.type == ValueType::kString) column.strings.reserve(likely_rows);
  }
  for (const TaskColumns& task : columns.tasks) {
    EventTable::Labels& labels = batch.labels.emplace_back();
    labels.task = task.name;
    labels.outputs = static_cast<int>(task.fields.size());
    labels.values.reserve(likely_rows * task.fields.size());
  }
  batch.lines.reserve(likely_rows);
  return batch;
}

bool EventReader::AppendRow(const SceneColumns& columns, EventTable& batch) {
  const uint32_t row = static_cast<uint32_t>(batch.rows());
  bool fits = true;
  for (size_t f = 0; f < columns.features.size() && fits; ++f) {
    fits = AppendFeature(columns.features[f], batch.features.columns[f], row);
  }
  for (size_t t = 0; t < columns.tasks.size() && fits; ++t) {
    fits = AppendLabels(columns.tasks[t], batch.labels[t], row);
  }
  fits = fits && AppendTime(columns_.event_time_field, batch.event_times_micros) &&
         AppendTime(columns_.label_time_field, batch.label_times_micros) && AppendWeight(batch.weights);
  if (!fits) {
    DropRow(row, batch);
    return false;
  }
  if (columns_.request_id_field >= 0) batch.request_ids.emplace_back(csv_->fields()[columns_.request_id_field]);
  batch.lines.push_back(csv_->line());
  ++batch.features.rows;
  return true;
}

bool EventReader::AppendFeature(const FeatureColumn& feature, Column& column, uint32_t row) {
  const absl::string_view field = csv_->fields()[feature.field];
  if (field.empty()) {
    if (feature.required) {
      Reject("missing_value", absl::StrCat("column '", feature.column, "': the field is empty, expected ",
                                           ValueTypeName(feature.type), ": feature '", feature.name, "' is required"));
      return false;
    }
    if (feature.sequence) {
      column.lengths.push_back(0);
    } else {
      AppendEmptyValue(column);
    }
    column.missing.push_back(row);
    return true;
  }

  const char* expected = nullptr;
  absl::string_view value = field;
  if (!feature.sequence) {
    expected = AppendValue(value, column);
  } else {
    uint32_t length = 0;
    for (absl::string_view rest = field;;) {
      const size_t bar = rest.find('|');
      value = rest.substr(0, bar);
      expected = AppendValue(value, column);
      if (expected != nullptr) break;
      ++length;
      if (bar == absl::string_view::npos) break;
      rest.remove_prefix(bar + 1);
    }
    if (expected == nullptr) {
      column.lengths.push_back(length);
    } else {
      RemoveLastValues(column, length);
    }
  }
  if (expected == nullptr) return true;
  const absl::string_view reason = feature.type == ValueType::kString ? "not_utf8" : WhyNoNumber(value);
  Reject(reason, absl::StrCat("column '", feature.column, "': got ", Quoted(value), ", expected ", expected));
  return false;
}

bool EventReader::AppendLabels(const TaskColumns& task, EventTable::Labels& labels, uint32_t row) {
  bool missing = false;
  for (const int field_number : task.fields) {
    const absl::string_view field = csv_->fields()[field_number];
    float value = 0;
    if (field.empty()) {
      missing = true;
    } else if (!ParseFloat(field, &value)) {
      Reject(WhyNoNumber(field), absl::StrCat("column '", columns_.header[field_number], "': got ", Quoted(field),
                                              ", expected a finite number, the label of task '", task.name, "'"));
      return false;
    }
    labels.values.push_back(value);
  }
  if (missing) labels.missing.push_back(row);
  return true;
}

bool EventReader::AppendTime(int field_number, std::vector<int64_t>& times) {
  if (field_number < 0) return true;
  const absl::string_view field = csv_->fields()[field_number];
  int64_t micros = 0;
  if (!field.empty() && !ParseTimeMicros(field, &micros)) {
    Reject("wrong_type", absl::StrCat("column '", columns_.header[field_number], "': got ", Quoted(field),
                                      ", expected ", kTimeFormats));
    return false;
  }
  times.push_back(micros);
  return true;
}

bool EventReader::AppendWeight(std::vector<float>& weights) {
  if (columns_.weight_field < 0) return true;
  const absl::string_view field = csv_->fields()[columns_.weight_field];
  float weight = 1;
  if (!field.empty() && (!ParseFloat(field, &weight) || weight < 0)) {
    Reject(weight < 0 ? "out_of_range" : WhyNoNumber(field),
           absl::StrCat("column '", columns_.header[columns_.weight_field], "': got ", Quoted(field),
                        ", expected a weight: a finite number, at least 0"));
    return false;
  }
  weights.push_back(weight);
  return true;
}

}  // namespace polyscene
