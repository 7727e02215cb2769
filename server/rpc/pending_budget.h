// How many bytes of batches may wait for the disk, over all streams.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/sync/mutex.h"

namespace polyscene {

// A stream asks before it reads, and what it then reads is counted in any case: so the limit is passed by at most one
// message a stream. Any thread may call any method; no callback runs under its lock.
class PendingBudget {
 public:
  explicit PendingBudget(int64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // True if there is room now. Otherwise `wake` is called, once, when there is.
  bool HasRoom(std::function<void()> wake);

  void Add(int64_t bytes);
  void Remove(int64_t bytes);

 private:
  const int64_t limit_bytes_;

  Mutex mu_;
  int64_t used_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::function<void()>> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace polyscene
