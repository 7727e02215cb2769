#include "model/data/event_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "model/data/csv_reader.h"
#include "model/data/event_times.h"
#include "model/data/field_parser.h"
#include "model/data/json_lines_reader.h"

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
  shorten(batch.other_times_micros);
  shorten(batch.dates);
}

// The rows of a file whose first byte tells its format.
absl::StatusOr<std::unique_ptr<RowSource>> OpenRows(const std::string& path, const v1::ModelFile& model,
                                                    const EventReaderOptions& options) {
  absl::StatusOr<std::unique_ptr<LineBuffer>> lines = LineBuffer::Open(path, options.rows.max_row_bytes);
  if (!lines.ok()) return lines.status();
  switch ((*lines)->Peek()) {
    case '{':
      return std::make_unique<JsonLinesReader>(*std::move(lines), JsonLayout::Of(model, options.other_time_column),
                                               options.rows);
    case '[':
      return absl::InvalidArgumentError(
          absl::StrCat((*lines)->path(), ": begins with '[': expected JSON lines, one object a line (of a JSON array ",
                       "`jq -c '.[]'` makes them), or CSV"));
    default:
      return CsvReader::FromLines(std::move(lines), options.rows);
  }
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

EventReader::EventReader(std::vector<MergedRows::File> files, std::vector<EventColumns> columns, int only_scene,
                         EventReaderOptions options)
    : options_(std::move(options)), columns_(std::move(columns)), only_scene_(only_scene), rows_(std::move(files)) {}

absl::StatusOr<std::unique_ptr<EventReader>> EventReader::Open(const std::string& path, const v1::ModelFile& model,
                                                               EventReaderOptions options) {
  return OpenFiles({path}, model, std::move(options));
}

absl::StatusOr<std::unique_ptr<EventReader>> EventReader::OpenFiles(absl::Span<const std::string> paths,
                                                                    const v1::ModelFile& model,
                                                                    EventReaderOptions options) {
  if (options.batch_rows < 1) {
    return absl::InvalidArgumentError(absl::StrCat("batch_rows is ", options.batch_rows, ", expected at least 1"));
  }
  if (paths.empty()) return absl::InvalidArgumentError("no file to read");
  int only_scene = model.scenes_size() == 1 ? 0 : -1;
  if (!options.scene.empty()) {
    const auto scene = std::find_if(model.scenes().begin(), model.scenes().end(),
                                    [&](const v1::Scene& s) { return s.name() == options.scene; });
    if (scene == model.scenes().end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "scene '", options.scene, "' is not in the model, expected one of ",
          absl::StrJoin(model.scenes(), ", ", [](std::string* out, const v1::Scene& s) { out->append(s.name()); })));
    }
    only_scene = static_cast<int>(scene - model.scenes().begin());
  }

  std::vector<MergedRows::File> files;
  std::vector<EventColumns> columns;
  std::vector<absl::Status> errors;
  for (const std::string& path : paths) {
    absl::StatusOr<std::unique_ptr<RowSource>> rows = OpenRows(path, model, options);
    if (!rows.ok()) {
      errors.push_back(rows.status());
      continue;
    }
    absl::StatusOr<EventColumns> found =
        EventColumns::Find(model, (*rows)->header(), options.scene, options.features_only);
    if (!found.ok()) {
      errors.emplace_back(found.status().code(), absl::StrCat((*rows)->path(), ":1: ", found.status().message()));
      continue;
    }
    if (const std::string& other = options.other_time_column; !other.empty()) {
      const std::vector<std::string>& header = (*rows)->header();
      found->other_time_field = static_cast<int>(std::find(header.begin(), header.end(), other) - header.begin());
      if (found->other_time_field == static_cast<int>(header.size())) {
        errors.push_back(absl::InvalidArgumentError(absl::StrCat(
            (*rows)->path(), ":1: has no column '", other, "' with times. It has: ", absl::StrJoin(header, ", "))));
        continue;
      }
    }
    files.push_back({*std::move(rows), found->event_time_field});
    columns.push_back(*std::move(found));
  }
  if (!errors.empty()) {
    return absl::Status(errors[0].code(), absl::StrJoin(errors, "\n", [](std::string* out, const absl::Status& error) {
                          absl::StrAppend(out, error.message());
                        }));
  }
  if (columns.size() > 1) EventColumns::Align(model, absl::MakeSpan(columns));
  return std::unique_ptr<EventReader>(
      new EventReader(std::move(files), std::move(columns), only_scene, std::move(options)));
}

absl::StatusOr<bool> EventReader::Next(EventTable* batch) {
  if (ready_.empty() && !ended_) FillWindow();
  if (ready_.empty()) {
    if (!rows_.status().ok()) return rows_.status();
    return false;
  }
  *batch = std::move(ready_.front());
  ready_.pop_front();
  return true;
}

int64_t EventReader::file_bytes() const {
  int64_t bytes = 0;
  for (size_t file = 0; file < rows_.size(); ++file) {
    if (rows_.rows(file).file_bytes() == 0) return 0;
    bytes += rows_.rows(file).file_bytes();
  }
  return bytes;
}

int64_t EventReader::file_bytes_read() const {
  int64_t bytes = 0;
  for (size_t file = 0; file < rows_.size(); ++file) bytes += rows_.rows(file).file_bytes_read();
  return bytes;
}

void EventReader::FillWindow() {
  constexpr int64_t kLinesBetweenStops = 1024;
  // Each scene's batch that is not full. A deque keeps its place.
  std::vector<EventTable*> open(columns_[0].scenes.size());
  const int64_t window_rows = std::max<int64_t>(options_.window_rows, 1);
  const bool waits = options_.longest_wait < absl::InfiniteDuration();
  const auto set_deadline = [&] {
    if (waits) rows_.SetDeadline(absl::Now() + options_.longest_wait);
  };
  const auto stopped = [&] { return options_.stop != nullptr && options_.stop(); };

  set_deadline();
  int64_t rows = 0;
  for (int64_t lines = 0; rows < window_rows && rows_read_ < options_.limit; ++lines) {
    if (lines % kLinesBetweenStops == 0 && stopped()) {
      ended_ = true;
      break;
    }
    const RowSource::Outcome outcome = rows_.Next();
    if (outcome == RowSource::Outcome::kEnd) {
      ended_ = true;
      break;
    }
    if (outcome == RowSource::Outcome::kIdle) {
      ended_ = stopped();
      if (ended_ || rows > 0) break;
      set_deadline();
      continue;
    }
    if (outcome == RowSource::Outcome::kBadLine) {
      Reject(rows_.rows().problem(), rows_.rows().message(), /*is_row=*/false);
      continue;
    }
    const int scene = SceneOfRow();
    if (scene < 0) continue;
    EventTable*& batch = open[scene];
    const bool is_new = batch == nullptr;
    if (is_new) batch = &ready_.emplace_back(NewBatch(RowColumns().scenes[scene]));
    if (!AppendRow(RowColumns().scenes[scene], *batch)) {
      if (is_new) {  // Its place in the order is that of its first good row.
        ready_.pop_back();
        batch = nullptr;
      }
      continue;
    }
    if (rows == 0) set_deadline();
    ++rows;
    ++rows_read_;
    if (batch->rows() >= options_.batch_rows) batch = nullptr;
  }
  if (rows_read_ >= options_.limit) ended_ = true;
}

void EventReader::Reject(absl::string_view reason, std::string message, bool is_row) {
  ++lines_rejected_;
  if (!options_.on_rejected) return;
  const RowSource& source = rows_.rows();
  options_.on_rejected({source.line(), reason, std::move(message), rows_.file(), is_row, source.text()});
}

int EventReader::SceneOfRow() {
  const EventColumns& columns = RowColumns();
  const absl::string_view name = Field(columns.scene_field);
  if (columns.scene_field < 0 || (name.empty() && !rows_.rows().has_header() && only_scene_ >= 0)) return only_scene_;
  for (size_t s = 0; s < columns.scenes.size(); ++s) {
    if (columns.scenes[s].scene == name) return static_cast<int>(s);
  }
  const std::string known = absl::StrJoin(
      columns.scenes, ", ", [](std::string* out, const SceneColumns& scene) { out->append(scene.scene); });
  Reject("unknown_scene", absl::StrCat("column '", columns.header[columns.scene_field], "': got ", Quoted(name),
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
  fits = fits && AppendTimes(batch) && AppendWeight(batch.weights);
  if (!fits) {
    DropRow(row, batch);
    return false;
  }
  const int request_id_field = RowColumns().request_id_field;
  if (request_id_field >= 0) batch.request_ids.emplace_back(Field(request_id_field));
  batch.lines.push_back(rows_.rows().line());
  if (columns_.size() > 1) batch.files.push_back(static_cast<uint32_t>(rows_.file()));
  if (options_.rows.keep_text) batch.texts.push_back(rows_.rows().text());
  ++batch.features.rows;
  return true;
}

bool EventReader::AppendFeature(const FeatureColumn& feature, Column& column, uint32_t row) {
  const absl::string_view field = Field(feature.field);
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
    // A list says where each element ends, a text what stands between two.
    const bool is_list = field[0] == RowSource::kListMark;
    const char mark = is_list ? RowSource::kListMark : '|';
    uint32_t length = 0;
    for (absl::string_view rest = is_list ? field.substr(1) : field; !is_list || !rest.empty();) {
      const size_t end = rest.find(mark);
      value = rest.substr(0, end);
      expected = AppendValue(value, column);
      if (expected != nullptr) break;
      ++length;
      if (end == absl::string_view::npos) break;
      rest.remove_prefix(end + 1);
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
    const absl::string_view field = Field(field_number);
    float value = 0;
    if (field.empty()) {
      missing = true;
    } else if (!ParseFloat(field, &value) && !ParseTruth(field, &value)) {
      Reject(WhyNoNumber(field), absl::StrCat("column '", RowColumns().header[field_number], "': got ", Quoted(field),
                                              ", expected a finite number, the label of task '", task.name, "'"));
      return false;
    }
    labels.values.push_back(value);
  }
  if (missing) labels.missing.push_back(row);
  return true;
}

bool EventReader::AppendTimes(EventTable& batch) {
  const EventColumns& columns = RowColumns();
  if (!AppendTime(columns.event_time_field, batch.event_times_micros) ||
      !AppendTime(columns.label_time_field, batch.label_times_micros) ||
      !AppendTime(columns.other_time_field, batch.other_times_micros)) {
    return false;
  }
  if (options_.mark_dates) {
    batch.dates.push_back((IsDate(Field(columns.event_time_field)) ? EventTable::kEventDate : 0) |
                          (IsDate(Field(columns.label_time_field)) ? EventTable::kLabelDate : 0) |
                          (IsDate(Field(columns.other_time_field)) ? EventTable::kOtherDate : 0));
  }
  return true;
}

bool EventReader::AppendTime(int field_number, std::vector<int64_t>& times) {
  if (field_number < 0) return true;
  const absl::string_view field = Field(field_number);
  int64_t micros = 0;
  if (!field.empty() && !ParseTimeMicros(field, &micros)) {
    Reject("wrong_type", absl::StrCat("column '", RowColumns().header[field_number], "': got ", Quoted(field),
                                      ", expected ", kTimeFormats));
    return false;
  }
  times.push_back(micros);
  return true;
}

bool EventReader::AppendWeight(std::vector<float>& weights) {
  if (RowColumns().weight_field < 0) return true;
  const absl::string_view field = Field(RowColumns().weight_field);
  float weight = 1;
  if (!field.empty() && (!ParseFloat(field, &weight) || weight < 0)) {
    Reject(weight < 0 ? "out_of_range" : WhyNoNumber(field),
           absl::StrCat("column '", RowColumns().header[RowColumns().weight_field], "': got ", Quoted(field),
                        ", expected a weight: a finite number, at least 0"));
    return false;
  }
  weights.push_back(weight);
  return true;
}

}  // namespace polyscene
