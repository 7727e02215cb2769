#include "tests/support/log_records.h"

#include <future>
#include <numeric>
#include <utility>

namespace polyscene {

v1::LogRecord EventsRecord(const std::string& producer, uint64_t sequence, const std::vector<int64_t>& items) {
  v1::LogRecord record;
  record.set_producer_id(producer);
  v1::EventBatch& batch = *record.mutable_events();
  batch.set_sequence(sequence);
  batch.set_scene("shop");
  batch.set_rows(static_cast<uint32_t>(items.size()));
  if (items.empty()) return record;
  v1::Column& column = *batch.add_columns();
  column.set_name("item");
  for (const int64_t item : items) column.add_ints(item);
  return record;
}

v1::LogRecord OpeningRecord(const std::string& producer, int64_t from_micros) {
  v1::LogRecord record;
  record.set_producer_id(producer);
  record.mutable_evaluation()->set_from_micros(from_micros);
  return record;
}

std::vector<int64_t> Items(int64_t first, int64_t count) {
  std::vector<int64_t> items(count);
  std::iota(items.begin(), items.end(), first);
  return items;
}

absl::StatusOr<Appended> AppendAndWait(EventLog& log, v1::LogRecord record) {
  std::promise<absl::StatusOr<Appended>> answer;
  log.Append(std::move(record),
             [&answer](absl::StatusOr<Appended> appended) { answer.set_value(std::move(appended)); });
  return answer.get_future().get();
}

}  // namespace polyscene
