// What came of the requests of a run.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/load/caller.h"
#include "client/status/latency_histogram.h"

namespace polyscene::load {

// What was due and never left: too many were in flight; or this program was too late with everything.
inline constexpr char kNotSent[] = "NOT_SENT";
inline constexpr char kSentTooLate[] = "NOT_SENT_IN_TIME";

// Times are LoadClock's. The measured window is [begin, end): a request counts where it was due within.
struct Measured {
  int64_t requests = 0;  // Due within the window, whatever became of them.
  int64_t sent = 0;      // Of those.
  int64_t answered = 0;  // OK, of those.
  cli::LatencyHistogram
      latency;  // From when a request was due: of answers, and of requests that ran into their deadline.
  cli::LatencyHistogram send_lag;  // From when a request was due until it was sent.
  int64_t answers_within = 0;      // OK answers that arrived within the window, whenever they were due,
  int64_t rows_within = 0;         // and the rows scored for them.
  struct Error {
    int64_t count = 0;
    std::string message;  // The first one's.
  };
  std::map<std::string, Error> errors;  // By code, e.g. "DEADLINE_EXCEEDED", or one of the two below.
  std::set<uint64_t> versions;          // That answered.

  int64_t error_count() const;
};

// Threads: any, at once. Each call holds a lock for well under a microsecond.
class Recorder {
 public:
  Recorder(absl::Duration begin, absl::Duration end) : begin_(begin), end_(end) {}

  void Sent(absl::Duration due, absl::Duration now);
  void NotSent(absl::Duration due, const char* code, absl::string_view why);  // code: one of the two.
  void Done(absl::Duration due, absl::Duration now, int64_t rows, const CallOutcome& outcome);

  Measured Snapshot() const;

 private:
  bool Counts(absl::Duration moment) const { return moment >= begin_ && moment < end_; }

  const absl::Duration begin_;
  const absl::Duration end_;
  mutable std::mutex mu_;
  Measured measured_;  // Guarded by mu_.
};

}  // namespace polyscene::load
