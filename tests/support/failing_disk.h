// A disk that fills up when a test says so.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>

namespace polyscene {

// The real disk, through RocksDB's interface. Outlives the database that uses it.
class FailingDisk {
 public:
  enum class Failure { kNone, kNoSpace, kIoError };

  FailingDisk();

  rocksdb::Env* env() const { return env_.get(); }
  void Fail(Failure failure) { *failure_ = failure; }  // Of every write and sync from now on.

 private:
  const std::shared_ptr<std::atomic<Failure>> failure_;
  const std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace polyscene
