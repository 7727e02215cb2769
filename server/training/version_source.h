// Hands out version numbers, each once, over restarts too.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "server/eventlog/event_log.h"

namespace polyscene {

// Not thread-safe.
class VersionSource {
 public:
  explicit VersionSource(EventLog& log) : log_(log) {}

  // Larger than every number before. What a process reserved and did not use is skipped.
  absl::StatusOr<uint64_t> Next() {
    if (next_ == end_) {
      absl::StatusOr<uint64_t> first = log_.ReserveVersions(kBlock);
      if (!first.ok()) return first.status();
      next_ = *first;
      end_ = *first + kBlock;
    }
    return next_++;
  }

 private:
  static constexpr uint64_t kBlock = 256;  // One synced write for so many publishes.

  EventLog& log_;
  uint64_t next_ = 0;
  uint64_t end_ = 0;
};

}  // namespace polyscene
