#include "server/eventlog/record_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace polyscene {
namespace {

using Json = nlohmann::ordered_json;

template <typename Values>
Json Array(const Values& values) {
  Json array = Json::array();
  for (const auto& value : values) array.push_back(value);
  return array;
}

// One value a row where each has `width` of them, else an array a row.
template <typename Values>
Json Rows(const Values& values, uint32_t rows, int64_t width) {
  if (width == 1) return Array(values);
  Json array = Json::array();
  for (uint32_t row = 0; row < rows; ++row) {
    Json one = Json::array();
    for (int64_t i = row * width; i < (row + 1) * width && i < values.size(); ++i) one.push_back(values.Get(i));
    array.push_back(std::move(one));
  }
  return array;
}

template <typename Values>
Json Sequences(const Values& values, const v1::Column& column) {
  Json array = Json::array();
  int next = 0;
  for (const uint32_t length : column.lengths()) {
    Json one = Json::array();
    for (uint32_t i = 0; i < length && next < values.size(); ++i) one.push_back(values.Get(next++));
    array.push_back(std::move(one));
  }
  return array;
}

template <typename Missing>
Json WithoutMissing(Json values, const Missing& missing) {
  for (const uint32_t row : missing) {
    if (row < values.size()) values[row] = nullptr;
  }
  return values;
}

template <typename Values>
Json ColumnOf(const Values& values, const v1::Column& column) {
  return column.lengths().empty() ? Array(values) : Sequences(values, column);
}

Json ColumnJson(const v1::Column& column) {
  Json values = !column.ints().empty()     ? ColumnOf(column.ints(), column)
                : !column.floats().empty() ? ColumnOf(column.floats(), column)
                                           : ColumnOf(column.strings(), column);
  return WithoutMissing(std::move(values), column.missing_rows());
}

int64_t Width(int values, uint32_t rows) { return rows == 0 ? 1 : std::max<int64_t>(values / rows, 1); }

void AddEvents(const v1::EventBatch& events, Json* json) {
  (*json)["rows"] = events.rows();
  (*json)["sequence"] = events.sequence();
  (*json)["scene"] = events.scene();
  Json& columns = (*json)["columns"] = Json::object();
  for (const v1::Column& column : events.columns()) columns[column.name()] = ColumnJson(column);
  Json& labels = (*json)["labels"] = Json::object();
  for (const v1::Labels& task : events.labels()) {
    labels[task.task()] = WithoutMissing(Rows(task.values(), events.rows(), Width(task.values_size(), events.rows())),
                                         task.missing_rows());
  }
  if (!events.event_times_micros().empty()) (*json)["event_times_micros"] = Array(events.event_times_micros());
  if (!events.weights().empty()) (*json)["weights"] = Array(events.weights());
}

Json JoinedJson(const v1::JoinedRows& joined, uint32_t rows) {
  Json json;
  json["request_ids"] = Array(joined.request_ids());
  json["request"] = Array(joined.request());
  json["row"] = Array(joined.row());
  json["positions"] = Array(joined.positions());
  Json& served = json["served"] = Json::object();
  for (const v1::ServedScores& task : joined.served()) {
    served[task.task()] =
        WithoutMissing(Rows(task.values(), rows, Width(task.values_size(), rows)), task.missing_rows());
  }
  if (!joined.correction_rows().empty()) json["correction_rows"] = Array(joined.correction_rows());
  return json;
}

}  // namespace

std::string RecordJson(uint64_t offset, const v1::LogRecord& record) {
  Json json;
  json["offset"] = offset;
  json["producer_id"] = record.producer_id();
  json["accepted_at_micros"] = record.accepted_at_micros();
  if (record.has_events()) AddEvents(record.events(), &json);
  if (record.has_evaluation()) json["evaluation_from_micros"] = record.evaluation().from_micros();
  if (record.has_joined()) json["joined"] = JoinedJson(record.joined(), record.events().rows());
  // What is no UTF-8 (it cannot come in, but a log is read as it is) is replaced, not refused.
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace polyscene
