// The durable, ordered record of accepted events: the trainer's only input. On RocksDB.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "polyscene/v1/record.pb.h"
#include "polyscene/v1/training.pb.h"
#include "server/eventlog/record_joiner.h"

namespace polyscene {

struct EventLogOptions {
  std::filesystem::path directory;
  uint64_t model_fingerprint = 0;  // Each record keeps that of the model file it was accepted under.
  int64_t retention_bytes =
      int64_t{16} << 30;  // Before compression. Oldest checkpointed events go first; others never.
  // Of disk, for everything in the directory; 0: no limit but the next. When it is spent, retention keeps less than
  // retention_bytes, and where that does not help Append() refuses.
  int64_t max_bytes = 0;
  int64_t reserve_bytes = 0;  // Of the directory's disk, kept free: Append() refuses before, other writes go on.
  // Called once, from a thread of the log's own, when the disk failed so that the log must be opened anew. May be
  // empty.
  std::function<void(const absl::Status&)> on_broken;
  absl::Duration sync_interval = absl::Milliseconds(2);  // The longest an event waits for its group's fsync.
  rocksdb::Env* env = nullptr;                           // The disk; outlives the log. Null: the system's.
  RecordJoiner* joiner = nullptr;                        // Outlives the log. Null: Join() is refused.
};

struct Appended {
  uint64_t end_offset = 0;  // First offset after the record (of the producer's last one, for a repeat).
  bool repeated = false;    // The sequence was logged before; nothing was written.
  // Of Join(), but for a repeat: as in JoinResult.
  uint64_t accepted_rows = 0;
  std::vector<RefusedRow> refused;
};

// What the log takes of the disk.
struct LogDisk {
  uint64_t bytes = 0;       // Of its files, the joiner's among them; at most 100 ms old.
  bool wants_room = false;  // It nears a limit: a checkpoint of what is learned would help.
  absl::Status trouble;     // Why Append() refuses; OK while it does not.
  bool broken = false;      // The trouble lasts until the log is opened anew.
};

struct LogEntry {
  uint64_t offset = 0;  // Of the record's first row.
  uint64_t count = 0;   // Offsets it takes: its rows, or 1 for a control record.
  v1::LogRecord record;
};

// Offsets count rows (a control record counts one), from 0. A record's batch may have zero rows left after rejection:
// it then only moves its producer's watermark.
//
// Threads: all methods from any thread, except that Cursor objects belong to one thread each.
class EventLog {
 public:
  // Opens the log, creating its directory if needed.
  //   kFailedPrecondition  of a newer format, or in use by another process
  //   kPermissionDenied    the directory cannot be written
  //   kDataLoss            a stored record fails its checksum; the message names where
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(EventLogOptions options);

  virtual ~EventLog() = default;

  // Queues `record` (format version and fingerprint are filled in here, accepted_at_micros where it is 0) and calls
  // `done` from the log's own thread once it is durable. Appends become durable in the order of these calls; a group
  // shares one write and one sync. With an events record, the producer's watermark moves to its sequence in the same
  // atomic write. A write that fails fails its whole group and what is queued behind it of the same producers (it skips
  // then). The log takes appends again as soon as the disk has space; after another error of the disk, once it was
  // opened anew. Errors:
  //   kInvalidArgument     sequence 0, or a record that holds nothing
  //   kFailedPrecondition  the sequence skips: neither a repeat nor the next one
  //   kResourceExhausted   the disk is full, or max_bytes or reserve_bytes is reached; repeats are answered all the
  //   same kInternal            the disk failed otherwise; the log must be opened anew kUnavailable         the log is
  //   closing; called on the caller's thread then
  virtual void Append(v1::LogRecord record, std::function<void(absl::StatusOr<Appended>)> done) = 0;

  // Likewise hands `input` to the joiner, in the order of these calls and Append's; what it makes of it is written in
  // the same atomic write as the watermark, which then stands behind the last of the joiner's records. Errors as
  // Append() and RecordJoiner::Join().
  virtual void Join(JoinInput input, std::function<void(absl::StatusOr<Appended>)> done) = 0;

  // How far `producer`'s batches are logged, and how many of them lie before the given offsets. After a restart,
  // batches whose end is not known any more count as learned (served) only once all of the producer's are.
  virtual v1::Watermark WatermarkOf(const std::string& producer, uint64_t learned_offset,
                                    uint64_t served_offset) const = 0;

  virtual uint64_t end_offset() const = 0;     // Everything before it is durable.
  virtual uint64_t begin_offset() const = 0;   // Oldest offset still kept.
  virtual uint64_t rows_accepted() const = 0;  // Over the log's lifetime; control records not counted.

  // Reads records in order, starting with the one that holds `offset` (or starts at it). kOutOfRange: no longer kept,
  // or beyond the end.
  class Cursor {
   public:
    virtual ~Cursor() = default;
    // The next record, or nothing at the durable end.  kDataLoss: it fails its checksum or cannot be parsed; names its
    // offset.
    virtual absl::StatusOr<std::optional<LogEntry>> Next() = 0;
  };
  virtual absl::StatusOr<std::unique_ptr<Cursor>> Read(uint64_t offset) const = 0;

  // Blocks until end_offset() is above `offset`, WakeReaders() is called, or `timeout` has passed. A wake that nobody
  // waits for is kept for the next wait, so that none is lost between looking and waiting. May return early: look
  // again.
  virtual void WaitBeyond(uint64_t offset, absl::Duration timeout) const = 0;
  virtual void WakeReaders() = 0;

  // The trainer's journal: step [begin, end) is written before it is learned, so that a replay forms the same steps.
  virtual absl::Status JournalStep(uint64_t begin, uint64_t end) = 0;
  virtual std::optional<uint64_t> JournaledStepEnd(uint64_t begin) const = 0;

  // Reserves version numbers durably and returns the first of `count`: no number is ever handed out twice.
  virtual absl::StatusOr<uint64_t> ReserveVersions(uint64_t count) = 0;

  // Lets go of records (and journal entries) that end before `covered_offset`, oldest first, while the log is over its
  // retention or nears a limit of its disk. What lies before `newest_covered` goes only where a limit is reached and
  // nothing else is left to go. Both stay known: the log makes room by itself when appends need it.
  absl::Status Retire(uint64_t covered_offset) { return Retire(covered_offset, covered_offset); }
  virtual absl::Status Retire(uint64_t covered_offset, uint64_t newest_covered) = 0;

  // Writes the log as it is, or a little later, to the new directory `directory`, from which Open() starts. Nothing
  // waits for it. Files that never change are hard links where both are on one file system.
  virtual absl::Status CopyTo(const std::filesystem::path& directory) const = 0;

  virtual LogDisk disk() const = 0;
};

}  // namespace polyscene
