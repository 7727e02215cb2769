// The event log of a data directory, read without a lock: beside a live server, too.
#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/eventlog/event_log.h"

namespace polyscene {

// Holds what was durable when it was opened (a live server's newest events may be missing) and changes nothing. Not
// thread-safe.
class ReadOnlyLog {
 public:
  //   kNotFound  `data_directory` holds no event log
  //   kDataLoss  a file is damaged; kInternal: it cannot be read
  static absl::StatusOr<std::unique_ptr<ReadOnlyLog>> Open(const std::filesystem::path& data_directory);
  ~ReadOnlyLog();

  // Goes to the record that holds `offset`, or the oldest one kept if that is later.
  absl::Status Seek(uint64_t offset);

  // The next record; nothing at the end. Begins with the oldest one.  kDataLoss: it cannot be read or parsed; names its
  // offset.
  absl::StatusOr<std::optional<LogEntry>> Next();

  uint64_t begin_offset() const { return begin_; }  // Of the oldest record.
  uint64_t next_offset() const { return next_; }    // Where Next() goes on.
  uint64_t end_offset() const { return end_; }

 private:
  ReadOnlyLog() = default;
  rocksdb::Status TryOpen(const std::filesystem::path& directory);
  absl::Status FindEnds();
  absl::StatusOr<LogEntry> Current() const;  // What entry_ is at.

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;  // Owned by db_, given back in the destructor.
  std::unique_ptr<rocksdb::Iterator> entry_;
  uint64_t begin_ = 0;
  uint64_t next_ = 0;
  uint64_t end_ = 0;
};

}  // namespace polyscene
