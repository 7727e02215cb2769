// One WatchStatus call.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "grpcpp/support/server_callback.h"
#include "polyscene/v1/model_service.pb.h"
#include "server/rpc/status_report.h"
#include "server/sync/mutex.h"

namespace polyscene {

// The interval asked for.  kInvalidArgument: not within 0.1 to 3,600 seconds; 0 stands for 1.
absl::StatusOr<absl::Duration> WatchInterval(double seconds);

// Answers at once, then once an interval; to a client that does not read, only when it has taken what was written
// before. Has no thread of its own: gRPC's timer wakes it.
//
// Threads:  reactions and the timer come from gRPC's threads, Stop() from another. All of them change the state and
// then
//           call Advance(), in which one at a time does what the state asks for.
// Lifetime: whoever may still call it holds a shared_ptr; `done` is called when gRPC lets go of it. `report` outlives
//           it, and so does `context` until Finish().
class StatusWatch final : public grpc::ServerWriteReactor<v1::GetStatusResponse>,
                          public std::enable_shared_from_this<StatusWatch> {
 public:
  StatusWatch(const StatusReport& report, const v1::WatchStatusRequest& request, grpc::CallbackServerContext* context,
              std::function<void(StatusWatch*)> done);

  void Begin() { Advance(); }  // Once, when a shared_ptr holds it.
  void Stop();                 // The server is stopping.

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Action { kNothing, kWrite, kFinish };

  void Advance();
  Action Next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnAlarm();  // Once for each alarm that was set, cancelled or not.
  void End(const absl::Status& why);
  void Write();

  const StatusReport& report_;
  grpc::CallbackServerContext* const context_;
  const std::string evaluation_of_;
  const absl::StatusOr<absl::Duration> interval_;
  const std::function<void(StatusWatch*)> done_;

  grpc::Alarm alarm_;               // Belongs to whoever drives.
  v1::GetStatusResponse response_;  // Belongs to whoever set writing_, until it is cleared.

  Mutex mu_;
  bool due_ ABSL_GUARDED_BY(mu_) = true;       // It is time for an answer.
  bool writing_ ABSL_GUARDED_BY(mu_) = false;  // From the decision to write until OnWriteDone().
  bool driving_ ABSL_GUARDED_BY(mu_) = false;  // A thread is calling gRPC, in Advance(). Stays set from Finish() on.
  std::shared_ptr<StatusWatch> until_alarm_ ABSL_GUARDED_BY(mu_);  // This, while an alarm is set and not called.
  absl::Status end_ ABSL_GUARDED_BY(mu_);                          // Not OK: why the stream ends.
};

}  // namespace polyscene
