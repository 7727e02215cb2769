// The RocksDB database under the event log and the joiner: its column families, its tuning, its errors as Status.
// Private to these two folders and their tests.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/sync/mutex.h"

namespace polyscene {

class DiskErrors;
class SyncedMark;

// Column families, by index into the handles. Their names are part of the format.
enum class LogFamily {
  kMeta,       // RocksDB's default family. Name -> number; names below.
  kRecords,    // Offset of a record's first row -> LogRecord.
  kProducers,  // Producer id -> last sequence, end offset of its record.
  kSteps,      // First offset of a step -> the offset after it.
  kSegments,   // Offset -> bytes of all records before it ever written; about one a MiB, for retention.
  // The joiner's, by request id.
  kRemembered,  // RememberedRequest, as scored.
  kJoins,       // JoinState, of requests to which something has happened since.
  kWaiting,     // What waits for requests that are not remembered yet: see server/joiner/waiting_entries.h.
  kDeadlines,   // When something is due: see server/joiner/deadlines.h.
};
inline constexpr int kLogFamilies = 9;

// Threads: any. Checksums are RocksDB's: of every WAL record and every block, verified whenever one is read.
class LogStore {
 public:
  // env: null for the system's. Errors as EventLog::Open().
  static absl::StatusOr<std::unique_ptr<LogStore>> Open(const std::filesystem::path& directory, rocksdb::Env* env);
  ~LogStore();

  rocksdb::ColumnFamilyHandle* family(LogFamily family) const { return handles_[static_cast<int>(family)]; }

  // Nothing where `key` is absent.
  absl::StatusOr<std::optional<std::string>> Get(LogFamily family, absl::string_view key) const;
  // The number a value starts with; kDataLoss if it is not one.
  absl::StatusOr<std::optional<uint64_t>> GetNumber(LogFamily family, absl::string_view key) const;

  // sync: durable when it returns; else it survives the end of the process, not a power cut. Calls Mend() first. After
  // an error nothing of `batch` can be seen, but some of it may come back if the process ends before the next success.
  absl::Status Write(rocksdb::WriteBatch* batch, bool sync);

  // Why writes fail; OK while they do not. kResourceExhausted: until the disk has space. kInternal: it must be opened
  // anew.
  absl::Status trouble() const;

  // Where something failed for want of space, in a write or in the background: tries whether there is space again, and
  // goes on. trouble() then.
  absl::Status Mend();

  absl::Status FreeBytes(uint64_t* free) const;  // Of the disk, for this process.

  // Deletes the files whose keys all lie below BigEndian(offset).
  absl::Status DropFilesBefore(LogFamily family, uint64_t offset);

  // Write everything in memory to tables; move records to where DropFilesBefore() reaches. Both happen by themselves in
  // time.
  absl::Status Flush();
  absl::Status Compact();
  uint64_t DiskBytes() const;  // Of tables of records.

  // Gives the disk back what records before `offset`, which are deleted, take of it.
  absl::Status Reclaim(uint64_t offset);

  // Lets go of the disk space of requests that are not remembered any more. May take long.
  absl::Status CompactRemembered();
  uint64_t RememberedDiskBytes() const;  // Of remembered requests, with what can be let go of.

  std::unique_ptr<rocksdb::Iterator> Iterate(LogFamily family) const;

  absl::Status CopyTo(const std::filesystem::path& directory) const;  // As EventLog::CopyTo().

 private:
  LogStore();
  bool failed() const;
  absl::Status Failed(const rocksdb::Status& status, absl::string_view what);  // Notes it; trouble() then.
  rocksdb::Status Resume();
  rocksdb::Status AwaitRest();    // Until nothing runs in the background of a database that has stopped.
  rocksdb::Status Probe() const;  // OK: the disk takes what RocksDB has in memory.
  // RocksDB's own waiting for a flush ends at once when it has ever resumed (7.8).
  rocksdb::Status AwaitFlushes() const;

  std::unique_ptr<SyncedMark> mark_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kLogFamilies> handles_{};  // Owned by db_, given back in the destructor.
  const std::shared_ptr<DiskErrors> errors_;
  // Shared by writes; exclusive while RocksDB is told to resume, since a write to the log that failed ends the process.
  std::shared_mutex write_mu_;
  std::atomic<bool> failed_{false};  // A call failed; errors_ knows of the background.
  std::atomic<bool> broken_{false};  // RocksDB is not to be told to resume.
  mutable Mutex state_mu_;
  absl::Status trouble_ ABSL_GUARDED_BY(state_mu_);
};

// `status` with `what` before its message. kDataLoss: corruption; kResourceExhausted: no space; else kInternal.
absl::Status FromRocks(const rocksdb::Status& status, absl::string_view what);

inline rocksdb::Slice ToSlice(absl::string_view text) { return rocksdb::Slice(text.data(), text.size()); }

}  // namespace polyscene
