// Makes the joiner look for windows that have closed.
#pragma once

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "server/eventlog/event_log.h"
#include "server/joiner/joiner.h"
#include "server/sync/mutex.h"

namespace polyscene {

// One thread, which asks every `interval` whether something is due and hands sweeps to the log until nothing is. The
// collaborators outlive it.
class Sweeper {
 public:
  Sweeper(EventLog& log, Joiner& joiner, absl::Duration interval = absl::Milliseconds(200));
  ~Sweeper();

 private:
  void Run();                          // Body of thread_: returns once closing_ is set.
  bool SweepOnce();                    // False: it failed.
  bool Rest(absl::Duration duration);  // False: closing.

  EventLog& log_;
  Joiner& joiner_;
  const absl::Duration interval_;

  Mutex mu_;
  CondVar closed_;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene
