#include "server/train/converted_record.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

// Values as `type`; one that cannot be told so is in `unreadable`, by its place among the values.
class Converter {
 public:
  Converter(const v1::Column& from, ValueType type, Column* into) : from_(from), into_(*into) {
    into_.type = type;
    for (const int64_t value : from.ints()) Add(value);
    for (const float value : from.floats()) Add(value);
    for (const std::string& value : from.strings()) Add(value);
  }

  const std::vector<bool>& unreadable() const { return unreadable_; }

 private:
  void Add(int64_t value) {
    switch (into_.type) {
      case ValueType::kInt64:
        return Put(into_.ints, value);
      case ValueType::kFloat:
        return Put(into_.floats, static_cast<float>(value));
      case ValueType::kString:
        return Put(into_.strings, absl::StrCat(value));
    }
  }

  void Add(float value) {
    constexpr float kBeyond = 9.2e18f;
    switch (into_.type) {
      case ValueType::kInt64: {
        const bool whole = std::abs(value) < kBeyond && std::nearbyint(value) == value;
        return Put(into_.ints, whole ? static_cast<int64_t>(value) : 0, whole);
      }
      case ValueType::kFloat:
        return Put(into_.floats, value);
      case ValueType::kString:
        return Put(into_.strings, absl::StrCat(value));
    }
  }

  void Add(const std::string& value) {
    switch (into_.type) {
      case ValueType::kInt64: {
        int64_t number = 0;
        const bool readable = absl::SimpleAtoi(value, &number) && number != std::numeric_limits<int64_t>::min();
        return Put(into_.ints, readable ? number : 0, readable);
      }
      case ValueType::kFloat: {
        float number = 0;
        const bool readable = absl::SimpleAtof(value, &number) && std::isfinite(number);
        return Put(into_.floats, readable ? number : 0, readable);
      }
      case ValueType::kString:
        return Put(into_.strings, value);
    }
  }

  template <typename T>
  void Put(std::vector<T>& values, T value, bool readable = true) {
    values.push_back(std::move(value));
    unreadable_.push_back(!readable);
  }

  const v1::Column& from_;
  Column& into_;
  std::vector<bool> unreadable_;  // [values]
};

// Whether `column` could be taken as `feature`: a sequence is no single value.
bool Convert(const v1::Column& column, const FeatureSpec& feature, int64_t rows, Column* into) {
  if (!column.lengths().empty() && !feature.sequence) return false;
  // Personal values lie in the log as ids, whatever type they came as.
  const ValueType type = feature.personal ? ValueType::kInt64 : feature.type;
  const Converter converter(column, type, into);
  std::vector<bool> missing(rows, false);
  for (const uint32_t row : column.missing_rows()) missing[row] = true;
  if (column.lengths().empty()) {
    for (int64_t row = 0; row < rows; ++row) missing[row] = missing[row] || converter.unreadable()[row];
    if (feature.sequence) into->lengths.assign(rows, 1);
  } else {
    into->lengths.assign(column.lengths().begin(), column.lengths().end());
    size_t value = 0;
    for (int64_t row = 0; row < rows; ++row) {
      for (uint32_t i = 0; i < into->lengths[row]; ++i, ++value) {
        if (converter.unreadable()[value]) missing[row] = true;
      }
    }
  }
  for (int64_t row = 0; row < rows; ++row) {
    if (missing[row]) into->missing.push_back(static_cast<uint32_t>(row));
  }
  return true;
}

void AddLabels(const ModelSpec& spec, const SceneSpec& scene, const v1::EventBatch& events, EventTable* table) {
  for (const v1::Labels& labels : events.labels()) {
    const int task = spec.FindTask(labels.task());
    if (task < 0 || !scene.has_task[task]) continue;
    const TaskSpec& of_task = spec.tasks()[task];
    if (labels.values_size() != static_cast<int>(events.rows()) * of_task.label_width) continue;  // Another horizon.
    table->labels.push_back({of_task.name,
                             of_task.label_width,
                             {labels.values().begin(), labels.values().end()},
                             {labels.missing_rows().begin(), labels.missing_rows().end()}});
  }
}

// The first required feature that each row lacks.
void FindLacking(const ModelSpec& spec, const SceneSpec& scene, const EventTable& table,
                 std::vector<std::string>* lacking) {
  for (size_t f = 0; f < spec.features().size(); ++f) {
    const FeatureSpec& feature = spec.features()[f];
    if (!feature.required || !scene.has_feature[f]) continue;
    const auto named = [&feature](const Column& column) { return column.name == feature.name; };
    const auto column = std::find_if(table.features.columns.begin(), table.features.columns.end(), named);
    for (int64_t row = 0; row < table.rows(); ++row) {
      const bool has = column != table.features.columns.end() &&
                       !std::binary_search(column->missing.begin(), column->missing.end(), row);
      std::string& message = (*lacking)[row];
      if (!has && message.empty()) message = absl::StrCat("feature '", feature.name, "' is required and missing");
    }
  }
}

}  // namespace

std::vector<RowError> ConvertRecord(const ModelSpec& spec, int scene, const v1::LogRecord& record, EventTable* table) {
  const v1::EventBatch& events = record.events();
  const SceneSpec& of_scene = spec.scenes()[scene];
  *table = EventTable();
  table->scene = of_scene.name;
  table->features.rows = events.rows();
  for (const v1::Column& column : events.columns()) {
    const int f = spec.FindFeature(column.name());
    if (f < 0 || !of_scene.has_feature[f]) continue;
    const FeatureSpec& feature = spec.features()[f];
    Column& into = table->features.Add(feature.name, feature.type);
    if (!Convert(column, feature, events.rows(), &into)) table->features.columns.pop_back();
  }
  AddLabels(spec, of_scene, events, table);
  table->weights.assign(events.weights().begin(), events.weights().end());
  table->event_times_micros.assign(events.event_times_micros().begin(), events.event_times_micros().end());

  // Weights were checked when they came, and those of corrections may be below 0.
  std::vector<RowError> errors;
  ExamplesView labels = table->View();
  labels.weights = {};
  ValidateLabels(spec, labels, std::numeric_limits<int64_t>::max(), errors);
  std::vector<std::string> lacking(events.rows());
  FindLacking(spec, of_scene, *table, &lacking);
  std::vector<bool> bad(events.rows(), false);
  for (const RowError& error : errors) bad[error.row] = true;
  for (int64_t row = 0; row < table->rows(); ++row) {
    if (!lacking[row].empty() && !bad[row]) errors.push_back({row, "missing_value", lacking[row]});
  }
  std::sort(errors.begin(), errors.end(), [](const RowError& a, const RowError& b) { return a.row < b.row; });
  return errors;
}

}  // namespace polyscene
