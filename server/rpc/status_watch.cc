#include "server/rpc/status_watch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/server_context.h"
#include "server/rpc/grpc_status.h"

namespace polyscene {

absl::StatusOr<absl::Duration> WatchInterval(double seconds) {
  if (seconds == 0) return absl::Seconds(1);
  if (seconds >= 0.1 && seconds <= 3600) return absl::Seconds(seconds);  // Which NaN is not.
  return absl::InvalidArgumentError(
      absl::StrCat("interval_seconds: got ", seconds, ", expected 0.1 to 3600 (0: the default, 1)"));
}

StatusWatch::StatusWatch(const StatusReport& report, const v1::WatchStatusRequest& request,
                         grpc::CallbackServerContext* context, std::function<void(StatusWatch*)> done)
    : report_(report),
      context_(context),
      evaluation_of_(request.evaluation_of()),
      interval_(WatchInterval(request.interval_seconds())),
      done_(std::move(done)),
      end_(interval_.status()) {}

void StatusWatch::Stop() { End(absl::UnavailableError("the server is stopping: retry")); }

void StatusWatch::OnWriteDone(bool ok) {
  {
    MutexLock lock(&mu_);
    writing_ = false;
  }
  if (!ok) return OnCancel();
  Advance();
}

void StatusWatch::OnCancel() { End(absl::CancelledError("the client went away")); }

void StatusWatch::OnAlarm() {
  std::shared_ptr<StatusWatch> self;  // Let go of last.
  {
    MutexLock lock(&mu_);
    self = std::move(until_alarm_);
    due_ = true;
  }
  Advance();
}

void StatusWatch::OnDone() {
  // gRPC has let every other thread finish with this object; the lock shows that to ThreadSanitizer, which cannot see
  // into gRPC.
  { MutexLock lock(&mu_); }
  done_(this);
}

void StatusWatch::End(const absl::Status& why) {
  {
    MutexLock lock(&mu_);
    if (end_.ok()) end_ = why;
  }
  Advance();
}

void StatusWatch::Advance() {
  for (;;) {
    Action action;
    absl::Status end;
    {
      MutexLock lock(&mu_);
      // Whoever drives looks again before it leaves, so what changed meanwhile is not lost.
      if (driving_) return;
      action = Next();
      if (action == Action::kNothing) return;
      driving_ = true;
      end = end_;
    }
    if (action == Action::kFinish) {
      alarm_.Cancel();
      Finish(ToGrpcStatus(end, context_));
      return;  // Still driving: nothing may follow.
    }
    Write();
    MutexLock lock(&mu_);
    driving_ = false;
  }
}

StatusWatch::Action StatusWatch::Next() {
  if (writing_) return Action::kNothing;
  if (!end_.ok()) return Action::kFinish;
  if (!due_) return Action::kNothing;
  due_ = false;
  writing_ = true;
  return Action::kWrite;
}

void StatusWatch::Write() {
  response_.Clear();
  if (const absl::Status filled = report_.Fill(evaluation_of_, &response_); !filled.ok()) {
    MutexLock lock(&mu_);
    writing_ = false;
    if (end_.ok()) end_ = filled;
    return;
  }
  {
    MutexLock lock(&mu_);
    until_alarm_ = shared_from_this();
  }
  alarm_ = grpc::Alarm();  // A new one each time: this may run within the last one's call.
  // No more than a pointer: what a larger function holds would go from thread to thread unseen by ThreadSanitizer.
  alarm_.Set(absl::ToChronoTime(absl::Now() + *interval_), [this](bool) { OnAlarm(); });
  StartWrite(&response_);
}

}  // namespace polyscene
