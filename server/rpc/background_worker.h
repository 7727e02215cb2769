// A thread for work that blocks, so that gRPC's threads need not.
#pragma once

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/sync/mutex.h"

namespace polyscene {

// Does one piece of work after the other, in the order of Submit(), which any thread may call. The destructor
// finishes what waits.
class BackgroundWorker {
 public:
  explicit BackgroundWorker(size_t max_waiting);
  ~BackgroundWorker();

  // kResourceExhausted: too much waits; `work` will not run.
  absl::Status Submit(std::function<void()> work);

 private:
  void Run();

  const size_t max_waiting_;

  Mutex mu_;
  CondVar changed_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene
