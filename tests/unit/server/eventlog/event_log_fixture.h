// A log in a directory of the test's own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/eventlog/event_log.h"
#include "server/eventlog/rocks_event_log.h"
#include "tests/support/failing_disk.h"
#include "tests/support/log_records.h"
#include "tests/support/temp_directory.h"

namespace polyscene {

class EventLogTest : public testing::Test {
 protected:
  void SetUp() override { Open(); }

  EventLogOptions Options() const {
    EventLogOptions options;
    options.directory = directory_.path() / "log";
    options.model_fingerprint = 0xfeed;
    options.retention_bytes = retention_bytes_;
    options.max_bytes = max_bytes_;
    options.reserve_bytes = reserve_bytes_;
    return options;
  }

  absl::Status TryOpen(EventLogOptions options) {
    log_.reset();
    absl::StatusOr<std::unique_ptr<EventLog>> log = RocksEventLog::Open(std::move(options), disk_.env());
    if (log.ok()) log_ = *std::move(log);
    return log.status();
  }

  void Open() {
    const absl::Status status = TryOpen(Options());
    ASSERT_TRUE(status.ok()) << status;
  }

  absl::StatusOr<Appended> Append(const std::string& producer, uint64_t sequence, const std::vector<int64_t>& items) {
    return AppendAndWait(*log_, EventsRecord(producer, sequence, items));
  }

  // Of a batch that must be logged; returns the offset after it.
  uint64_t Log(const std::string& producer, uint64_t sequence, const std::vector<int64_t>& items) {
    absl::StatusOr<Appended> appended = Append(producer, sequence, items);
    EXPECT_TRUE(appended.ok()) << appended.status();
    return appended.ok() ? appended->end_offset : 0;
  }

  std::vector<LogEntry> ReadFrom(uint64_t offset) {
    std::vector<LogEntry> entries;
    absl::StatusOr<std::unique_ptr<EventLog::Cursor>> cursor = log_->Read(offset);
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    while (cursor.ok()) {
      absl::StatusOr<std::optional<LogEntry>> entry = (*cursor)->Next();
      EXPECT_TRUE(entry.ok()) << entry.status();
      if (!entry.ok() || !entry->has_value()) break;
      entries.push_back(**std::move(entry));
    }
    return entries;
  }

  std::vector<int64_t> ItemsFrom(uint64_t offset) {
    std::vector<int64_t> items;
    for (const LogEntry& entry : ReadFrom(offset)) {
      if (!entry.record.has_events()) continue;
      const auto& ints = entry.record.events().columns(0).ints();
      items.insert(items.end(), ints.begin(), ints.end());
    }
    return items;
  }

  TempDirectory directory_;
  int64_t retention_bytes_ = int64_t{1} << 30;
  int64_t max_bytes_ = 0;
  int64_t reserve_bytes_ = 0;
  FailingDisk disk_;  // Outlives the log.
  std::unique_ptr<EventLog> log_;
};

}  // namespace polyscene
