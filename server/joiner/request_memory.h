// Hands requests that Predict scored to the log, to be remembered.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "polyscene/v1/record.pb.h"
#include "server/eventlog/event_log.h"
#include "server/joiner/joiner.h"
#include "server/metrics/metrics.h"
#include "server/sync/mutex.h"

namespace polyscene {

// Predict never waits for the disk unless its caller asked for that: where requests come faster than the disk takes
// them, where there is no room or the log is in trouble, they are not remembered, and their callers are told so.
//
// Threads:  any.
// Lifetime: the collaborators outlive it; Drain() before it or what its callbacks use goes.
class RequestMemory {
 public:
  RequestMemory(EventLog& log, Joiner& joiner, Metrics& metrics) : log_(log), joiner_(joiner), metrics_(metrics) {}

  // `done` is called once with whether the request is, or will be, remembered. wait: once that is durable or has
  // failed, from the log's own thread; else at once, when the request is queued: a label that is sent after it finds
  // it.
  //   `request`  without format version; an event time of 0 becomes now
  void Remember(std::string request_id, int scene, v1::RememberedRequest request, bool wait,
                std::function<void(bool)> done);

  void Drain();  // Blocks until nothing is queued.

 private:
  bool Admit(int64_t bytes, bool* wait);  // Counts the bytes in, if there is room.
  void Leave(int64_t bytes, const absl::Status& status);

  EventLog& log_;
  Joiner& joiner_;
  Metrics& metrics_;

  std::atomic<bool> failing_{false};          // The last one could not be written.
  std::atomic<int64_t> try_again_micros_{0};  // When one more is tried, while that is so.

  Mutex mu_;
  CondVar left_;
  int64_t queued_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t queued_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace polyscene
