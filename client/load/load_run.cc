#include "client/load/load_run.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/load/thread_time.h"

namespace polyscene::load {
namespace {

constexpr absl::Duration kLookInterval = absl::Milliseconds(20);  // At `stop`, and at what is in flight.
// A sender that is later than this is not going to catch up: what is due is given up when the window ends.
constexpr absl::Duration kMostLag = absl::Milliseconds(500);
// A server that refuses at once must not be asked again at once by each of the callers of a closed loop.
constexpr absl::Duration kRestAfterError = absl::Milliseconds(10);
constexpr absl::Duration kDrainMargin = absl::Seconds(1);       // Beyond the timeout, until calls are cancelled.
constexpr absl::Duration kInterruptedDrain = absl::Seconds(1);  // The same, where somebody waits for us to end.

}  // namespace

LoadRun::LoadRun(LoadOptions options, const std::vector<PreparedRequest>& pool, Caller& caller, LoadClock& clock)
    : options_(options),
      pool_(pool),
      caller_(caller),
      clock_(clock),
      start_(clock.Now()),
      end_(start_ + options.warmup + options.duration),
      recorder_(start_ + options.warmup, end_) {}

LoadResult LoadRun::Run(const std::atomic<bool>& stop) {
  const absl::Duration sender_before = TimeOfThread(pthread_self()), receiver_before = caller_.ReceiverTime();
  if (options_.rate > 0) {
    RunOpenLoop(stop);
  } else {
    RunClosedLoop(stop);
  }
  LoadResult result;
  result.interrupted = stop;
  const absl::Duration stopped = std::min(clock_.Now(), end_);
  result.window = std::max(stopped - (start_ + options_.warmup), absl::ZeroDuration());
  Drain(result.interrupted ? kInterruptedDrain : options_.timeout + kDrainMargin);
  result.elapsed = clock_.Now() - start_;
  result.sender_time = TimeOfThread(pthread_self()) - sender_before;
  result.receiver_time = caller_.ReceiverTime() - receiver_before;
  result.measured = recorder_.Snapshot();
  return result;
}

void LoadRun::RunOpenLoop(const std::atomic<bool>& stop) {
  Arrivals arrivals(options_.arrivals, options_.rate, options_.seed);
  const std::string full = absl::StrCat(options_.max_in_flight, " requests were in flight (--max_in_flight)");
  absl::Duration due = start_ + arrivals.Next();
  for (; due < end_ && !stop; due = start_ + arrivals.Next()) {
    WaitUntil(due, stop);
    if (stop) return;
    if (clock_.Now() > end_ + kMostLag) break;
    if (InFlight() >= options_.max_in_flight) {
      recorder_.NotSent(due, kNotSent, full);
    } else {
      Send(due);
    }
  }
  for (; due < end_ && !stop; due = start_ + arrivals.Next()) {
    recorder_.NotSent(due, kSentTooLate, "the load generator could not keep up with its own schedule");
  }
  WaitUntil(end_, stop);
}

void LoadRun::WaitUntil(absl::Duration moment, const std::atomic<bool>& stop) {
  while (clock_.Now() < moment && !stop) clock_.SleepUntil(std::min(moment, clock_.Now() + kLookInterval));
}

void LoadRun::RunClosedLoop(const std::atomic<bool>& stop) {
  {
    std::lock_guard<std::mutex> lock(mu_);
    looping_ = true;
    resting_ = options_.concurrency;  // All begin below.
  }
  while (clock_.Now() < end_ && !stop) {
    int64_t rested = 0;
    {
      std::lock_guard<std::mutex> lock(mu_);
      rested = std::exchange(resting_, 0);
    }
    for (int64_t i = 0; i < rested; ++i) SendNextOfLoop();
    clock_.SleepUntil(std::min(end_, clock_.Now() + kRestAfterError));
  }
  std::lock_guard<std::mutex> lock(mu_);
  looping_ = false;
}

void LoadRun::SendNextOfLoop() {
  const absl::Duration now = clock_.Now();
  if (now < end_) Send(now);
}

void LoadRun::Send(absl::Duration due) {
  const size_t request = next_request_.fetch_add(1, std::memory_order_relaxed) % pool_.size();
  {
    std::lock_guard<std::mutex> lock(mu_);
    ++in_flight_;
  }
  recorder_.Sent(due, clock_.Now());
  caller_.Start(request, options_.timeout,
                [this, due, request](const CallOutcome& outcome) { OnDone(due, request, outcome); });
}

void LoadRun::OnDone(absl::Duration due, size_t request, const CallOutcome& outcome) {
  recorder_.Done(due, clock_.Now(), pool_[request].rows, outcome);
  bool next = false;
  {
    std::lock_guard<std::mutex> lock(mu_);
    if (looping_ && !outcome.status.ok()) ++resting_;
    next = looping_ && outcome.status.ok();
  }
  if (next) SendNextOfLoop();
  std::lock_guard<std::mutex> lock(mu_);
  --in_flight_;  // Last: Run() may return now.
}

int64_t LoadRun::InFlight() const {
  std::lock_guard<std::mutex> lock(mu_);
  return in_flight_;
}

void LoadRun::Drain(absl::Duration patience) {
  const absl::Duration give_up = clock_.Now() + patience;
  while (InFlight() > 0 && clock_.Now() < give_up) clock_.SleepUntil(clock_.Now() + kLookInterval / 4);
  if (InFlight() == 0) return;
  caller_.CancelAll();
  while (InFlight() > 0) clock_.SleepUntil(clock_.Now() + kLookInterval / 4);
}

}  // namespace polyscene::load
