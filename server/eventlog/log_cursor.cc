#include "server/eventlog/log_cursor.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/eventlog/big_endian.h"

namespace polyscene {
namespace {

absl::Status OutOfRange(const EventLog& log, uint64_t offset) {
  return absl::OutOfRangeError(
      absl::StrCat("event log holds offsets ", log.begin_offset(), " to ", log.end_offset(), ", asked for ", offset));
}

absl::StatusOr<LogEntry> Parse(uint64_t offset, const std::string& value) {
  LogEntry entry;
  entry.offset = offset;
  if (!entry.record.ParseFromString(value)) {
    return absl::DataLossError(
        absl::StrCat("event log: record at offset ", offset, " (", value.size(), " bytes) cannot be parsed"));
  }
  entry.count = entry.record.has_events() ? entry.record.events().rows() : 1;
  if (entry.count == 0) {
    return absl::DataLossError(absl::StrCat("event log: record at offset ", offset, " has 0 rows, expected 1 or more"));
  }
  return entry;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLog::Cursor>> LogCursor::Open(const EventLog& log, const LogStore& store,
                                                                  uint64_t offset) {
  if (offset < log.begin_offset() || offset > log.end_offset()) return OutOfRange(log, offset);
  if (offset == log.end_offset()) return std::unique_ptr<EventLog::Cursor>(new LogCursor(log, store, offset));
  const std::unique_ptr<rocksdb::Iterator> entry = store.Iterate(LogFamily::kRecords);
  entry->SeekForPrev(BigEndian(offset));
  if (absl::Status status = FromRocks(entry->status(), absl::StrCat("event log: record that holds offset ", offset));
      !status.ok()) {
    return status;
  }
  std::optional<uint64_t> first;
  if (entry->Valid()) first = FromBigEndian({entry->key().data(), entry->key().size()});
  if (!first.has_value()) {
    return absl::DataLossError(absl::StrCat("event log: the record that holds offset ", offset, " is missing"));
  }
  return std::unique_ptr<EventLog::Cursor>(new LogCursor(log, store, *first));
}

absl::StatusOr<std::optional<LogEntry>> LogCursor::Next() {
  if (next_ >= log_.end_offset()) return std::optional<LogEntry>();
  absl::StatusOr<std::optional<std::string>> value = store_.Get(LogFamily::kRecords, BigEndian(next_));
  if (!value.ok()) {
    return absl::Status(value.status().code(),
                        absl::StrCat("event log: record at offset ", next_, ": ", value.status().message()));
  }
  if (!value->has_value()) {
    if (next_ < log_.begin_offset()) return OutOfRange(log_, next_);
    return absl::DataLossError(absl::StrCat("event log: record at offset ", next_, " is missing"));
  }
  absl::StatusOr<LogEntry> entry = Parse(next_, **value);
  if (!entry.ok()) return entry.status();
  next_ += entry->count;
  return std::optional<LogEntry>(*std::move(entry));
}

}  // namespace polyscene
