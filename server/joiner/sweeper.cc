#include "server/joiner/sweeper.h"

#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/fault/fault_point.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

constexpr absl::Duration kRestAfterFailure = absl::Seconds(1);
constexpr absl::Duration kTidyInterval = absl::Minutes(1);

}  // namespace

Sweeper::Sweeper(EventLog& log, Joiner& joiner, absl::Duration interval)
    : log_(log), joiner_(joiner), interval_(interval), thread_([this] { Run(); }) {}

Sweeper::~Sweeper() {
  {
    MutexLock lock(&mu_);
    closing_ = true;
  }
  closed_.SignalAll();
  thread_.join();
}

void Sweeper::Run() {
  absl::Duration since_tidied;
  absl::Duration rest = interval_;
  while (Rest(rest)) {
    since_tidied += rest;
    rest = interval_;
    if (joiner_.SweepDue()) {
      // More may be due than one sweep takes; others get their turn at the log in between.
      rest = SweepOnce() ? absl::ZeroDuration() : kRestAfterFailure;
    } else if (since_tidied >= kTidyInterval) {
      since_tidied = absl::ZeroDuration();
      if (const absl::Status status = joiner_.Tidy(); !status.ok()) LogWarning(status.message());
    }
  }
}

bool Sweeper::SweepOnce() {
  FaultPoint("joiner.sweep");
  JoinInput input;
  input.what = Sweep();
  std::promise<absl::Status> answer;
  log_.Join(std::move(input), [&answer](absl::StatusOr<Appended> appended) { answer.set_value(appended.status()); });
  const absl::Status status = answer.get_future().get();
  FaultPoint("joiner.swept");
  if (!status.ok()) LogWarning(absl::StrCat("joiner: closed windows wait: ", status.message()));
  return status.ok();
}

bool Sweeper::Rest(absl::Duration duration) {
  MutexLock lock(&mu_);
  if (duration > absl::ZeroDuration()) {
    absl::Duration left = duration;
    if (!closing_) closed_.WaitWithTimeout(&mu_, left);
  }
  return !closing_;
}

}  // namespace polyscene
