// A disk that fills up, breaks or slows down when a test says so.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"

namespace polyscene {

// The real disk, through RocksDB's interface. Outlives the database that uses it. Any thread may call any method.
class FailingDisk {
 public:
  enum class Failure {
    kNone,
    kNoSpace,  // Of every write, sync and new file from now on, as is the next.
    kIoError,
    kIoErrorOnSync,    // Writes work.
    kHalfThenNoSpace,  // Half of what is to be written gets there.
    kHalfThenIoError,
  };

  // Whose failure it is: RocksDB's files by what is in them.
  enum class Files { kAll, kWriteAheadLogs, kTables, kManifest };

  FailingDisk();

  rocksdb::Env* env() const { return env_.get(); }
  void Fail(Failure failure, Files files = Files::kAll) {
    state_->files = files;
    state_->failure = failure;
  }
  void SetFreeBytes(uint64_t bytes) { state_->free_bytes = bytes; }  // What it says is free; else the real disk's.
  void SlowSyncs(absl::Duration by) { state_->sync_micros = absl::ToInt64Microseconds(by); }
  int64_t syncs() const { return state_->syncs; }

  struct State {
    std::atomic<Failure> failure{Failure::kNone};
    std::atomic<Files> files{Files::kAll};
    std::atomic<uint64_t> free_bytes{~uint64_t{0}};
    std::atomic<int64_t> sync_micros{0};
    std::atomic<int64_t> syncs{0};
  };

 private:
  const std::shared_ptr<State> state_;
  const std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace polyscene
