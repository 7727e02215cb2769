// One run of load: requests at their times, and what came of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "absl/time/time.h"
#include "client/load/arrivals.h"
#include "client/load/caller.h"
#include "client/load/load_clock.h"
#include "client/load/recorder.h"

namespace polyscene::load {

struct LoadOptions {
  // Open loop: requests a second, sent when they are due whether or not earlier ones are answered, and timed from when
  // they were due, so that a stall of the server is in the latency of every request that a caller would have made
  // meanwhile (what is left out otherwise is Gil Tene's "coordinated omission"). 0: closed loop.
  double rate = 0;
  Arrivals::Kind arrivals = Arrivals::Kind::kPoisson;
  int concurrency = 1;  // Closed loop: each of so many callers sends its next request when it has its answer.
  absl::Duration warmup = absl::Seconds(1);  // Loaded, not measured.
  absl::Duration duration = absl::Seconds(10);
  absl::Duration timeout = absl::Seconds(1);  // Of a request, from when it is sent.
  int64_t max_in_flight = 1000;               // Open loop: what is due beyond is not sent, and counts as an error.
  uint64_t seed = 4;  // Of the arrivals. Any; with this one already a few hundred come at the rate that was asked for.
};

struct LoadResult {
  Measured measured;
  absl::Duration window;  // That was measured: options.duration, less if it was interrupted.
  bool interrupted = false;
  absl::Duration sender_time;    // Processor time of the thread that sends, and
  absl::Duration receiver_time;  // of the one that receives, over the whole run.
  absl::Duration elapsed;        // The whole run, until the last answer.
};

// Runs once. Threads: Run() blocks one; progress() from any.
class LoadRun {
 public:
  // The pool is the caller's; all must outlive this object.
  LoadRun(LoadOptions options, const std::vector<PreparedRequest>& pool, Caller& caller, LoadClock& clock);

  // Sends until the end of the window, or until `stop` is set, then waits for what is in flight (its deadline, and a
  // little) and returns.
  LoadResult Run(const std::atomic<bool>& stop);

  Measured progress() const { return recorder_.Snapshot(); }

 private:
  void RunOpenLoop(const std::atomic<bool>& stop);
  void RunClosedLoop(const std::atomic<bool>& stop);
  void Send(absl::Duration due);
  void SendNextOfLoop();
  void OnDone(absl::Duration due, size_t request, const CallOutcome& outcome);
  void WaitUntil(absl::Duration moment, const std::atomic<bool>& stop);
  void Drain(absl::Duration patience);  // Cancels what is in flight after it.
  int64_t InFlight() const;

  const LoadOptions options_;
  const std::vector<PreparedRequest>& pool_;
  Caller& caller_;
  LoadClock& clock_;
  const absl::Duration start_;
  const absl::Duration end_;
  Recorder recorder_;
  std::atomic<uint64_t> next_request_{0};

  mutable std::mutex mu_;  // Guards everything below.
  int64_t in_flight_ = 0;
  int64_t resting_ = 0;   // Closed loop: callers that wait a moment after an error.
  bool looping_ = false;  // Closed loop: an answer leads to the next request.
};

}  // namespace polyscene::load
