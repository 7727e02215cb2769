// How much of the disk the log may take, and whether that is spent. Private to this folder and its tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/sync/mutex.h"

namespace polyscene {

struct DiskBudgetOptions {
  std::filesystem::path directory;  // What its files hold counts.
  uint64_t max_bytes = 0;           // 0: no limit but the next.
  uint64_t reserve_bytes = 0;       // Kept free of its disk. 0: nothing.
  // The disk is looked at no more often than this: between two looks the bytes noted by Added() count.
  absl::Duration refresh = absl::Milliseconds(100);
  std::function<absl::Status(uint64_t*)> free_bytes;  // Of its disk.
};

// Room is to be made from 7/8 of max_bytes on, down to 3/4 of it, and likewise from 9/8 of the reserve on, up to 5/4:
// so that nobody is refused while there is something that may go. Any thread may call any method.
class DiskBudget {
 public:
  explicit DiskBudget(DiskBudgetOptions options) : options_(std::move(options)) {}

  struct Use {
    uint64_t bytes = 0;    // Of the directory's files.
    uint64_t to_free = 0;  // So many bytes are to go; 0 while there is room enough.
    absl::Status spent;    // kResourceExhausted: the limit is reached; says which, how much is used, what makes room.
  };
  Use Look(bool anew = false);  // anew: whatever the last look's age.

  void Added(uint64_t bytes);  // About so many were written since.

 private:
  Use Judge() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const DiskBudgetOptions options_;
  Mutex mu_;
  absl::Time looked_at_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  uint64_t used_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t free_ ABSL_GUARDED_BY(mu_) = ~uint64_t{0};  // The most there is: not known.
};

}  // namespace polyscene
