// Reads the log's records in order. Private to this folder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "server/eventlog/event_log.h"
#include "server/eventlog/log_store.h"

namespace polyscene {

// A record is looked up by its first offset, which is where the one before it ended: so a gap is found, and no iterator
// keeps old memtables and files alive while the trainer waits.
class LogCursor : public EventLog::Cursor {
 public:
  // `log` and `store` outlive the cursor. Errors as EventLog::Read().
  static absl::StatusOr<std::unique_ptr<EventLog::Cursor>> Open(const EventLog& log, const LogStore& store,
                                                                uint64_t offset);

  absl::StatusOr<std::optional<LogEntry>> Next() override;

 private:
  LogCursor(const EventLog& log, const LogStore& store, uint64_t next) : log_(log), store_(store), next_(next) {}

  const EventLog& log_;
  const LogStore& store_;
  uint64_t next_;  // First offset of the record to read next.
};

}  // namespace polyscene
