// Remembers, outside of the database, how far it was durable. Private to this folder and its tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/sync/mutex.h"

namespace polyscene {

// A power cut leaves a write-ahead log that ends within a group that nobody was told of, and opening it drops that
// group. A flipped bit in a record's length looks just the same, but what is dropped then may have been acknowledged.
// The mark tells them apart: a file of 24 bytes that holds the sequence number up to which RocksDB's writes were
// synced, written in place after each sync, and not synced itself.
//
// So what is detected: after the end of a process, however it ended, every loss of what was ever synced. After a power
// cut the mark may be as old as the kernel lets dirty pages be (about 30 seconds): what was acknowledged in that time
// and is damaged, too, may be taken for what the power cut left.
class SyncedMark {
 public:
  // Creates the file where there is none: then nothing is known.  kDataLoss: it is damaged; names it.
  static absl::StatusOr<std::unique_ptr<SyncedMark>> Open(const std::filesystem::path& file);
  ~SyncedMark();

  std::optional<uint64_t> found() const { return found_; }  // As Open() read it.
  const std::filesystem::path& file() const { return file_; }

  // Everything up to `sequence` is durable. A smaller one than before changes nothing. Any thread.
  void Note(uint64_t sequence);
  uint64_t noted();  // The greatest, as found or noted since; 0: nothing is known.

 private:
  SyncedMark(std::filesystem::path file, int fd) : file_(std::move(file)), fd_(fd) {}

  const std::filesystem::path file_;
  const int fd_;
  std::optional<uint64_t> found_;

  Mutex mu_;
  uint64_t noted_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace polyscene
