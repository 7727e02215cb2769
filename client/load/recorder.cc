#include "client/load/recorder.h"

namespace polyscene::load {

int64_t Measured::error_count() const {
  int64_t count = 0;
  for (const auto& [code, error] : errors) count += error.count;
  return count;
}

void Recorder::Sent(absl::Duration due, absl::Duration now) {
  if (!Counts(due)) return;
  std::lock_guard<std::mutex> lock(mu_);
  ++measured_.requests;
  ++measured_.sent;
  measured_.send_lag.Record(now - due);
}

void Recorder::NotSent(absl::Duration due, const char* code, absl::string_view why) {
  if (!Counts(due)) return;
  std::lock_guard<std::mutex> lock(mu_);
  ++measured_.requests;
  Measured::Error& error = measured_.errors[code];
  ++error.count;
  if (error.message.empty()) error.message = std::string(why);
}

void Recorder::Done(absl::Duration due, absl::Duration now, int64_t rows, const CallOutcome& outcome) {
  const bool answered = outcome.status.ok();
  std::lock_guard<std::mutex> lock(mu_);
  if (answered && Counts(now)) {
    ++measured_.answers_within;
    measured_.rows_within += rows;
    measured_.versions.insert(outcome.version);
  }
  if (!Counts(due)) return;
  // A refusal is quick, and would make a server that refuses look fast; a request that ran into its deadline took at
  // least as long.
  if (answered || absl::IsDeadlineExceeded(outcome.status)) measured_.latency.Record(now - due);
  if (answered) {
    ++measured_.answered;
    return;
  }
  Measured::Error& error = measured_.errors[absl::StatusCodeToString(outcome.status.code())];
  ++error.count;
  if (error.message.empty()) error.message = std::string(outcome.status.message());
}

Measured Recorder::Snapshot() const {
  std::lock_guard<std::mutex> lock(mu_);
  return measured_;
}

}  // namespace polyscene::load
