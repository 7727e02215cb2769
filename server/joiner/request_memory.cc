#include "server/joiner/request_memory.h"

#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace polyscene {
namespace {

// Some 1,500 requests of 100 candidates: a second of a busy server.
constexpr int64_t kMaxQueuedBytes = 32 << 20;

// Each try costs the log a look at its disk.
constexpr absl::Duration kTryAgain = absl::Seconds(1);

}  // namespace

bool RequestMemory::Admit(int64_t bytes, bool* wait) {
  if (!joiner_.HasRoom()) return false;
  if (failing_.load(std::memory_order_relaxed)) {
    const int64_t now = absl::ToUnixMicros(absl::Now());
    int64_t due = try_again_micros_.load(std::memory_order_relaxed);
    const int64_t next = now + absl::ToInt64Microseconds(kTryAgain);
    // A clock that was set back does not put the next try off for longer.
    if (now < due && due <= next) return false;
    if (!try_again_micros_.compare_exchange_strong(due, next)) return false;
    *wait = true;  // Nothing is promised meanwhile.
  }
  MutexLock lock(&mu_);
  if (queued_bytes_ + bytes > kMaxQueuedBytes && queued_ > 0) return false;
  queued_bytes_ += bytes;
  ++queued_;
  return true;
}

void RequestMemory::Leave(int64_t bytes, const absl::Status& status) {
  metrics_.Remembered(status.ok());
  if (!status.ok() && !failing_.exchange(true)) {
    try_again_micros_.store(absl::ToUnixMicros(absl::Now() + kTryAgain), std::memory_order_relaxed);
  }
  if (status.ok() && failing_.load(std::memory_order_relaxed)) failing_.store(false, std::memory_order_relaxed);
}

void RequestMemory::Remember(std::string request_id, int scene, v1::RememberedRequest request, bool wait,
                             std::function<void(bool)> done) {
  RequestToRemember remember;
  remember.request_id = std::move(request_id);
  remember.scene = scene;
  remember.replayed = request.event_time_micros() != 0;
  if (!remember.replayed) request.set_event_time_micros(joiner_.NowMicros());
  remember.event_time_micros = request.event_time_micros();
  request.set_replayed(remember.replayed);
  request.set_format_version(1);
  const int64_t bytes = static_cast<int64_t>(request.ByteSizeLong());
  if (!Admit(bytes, &wait)) {
    metrics_.Remembered(false);
    return done(false);
  }
  remember.bytes = request.SerializeAsString();  // Here, on the caller's thread: the log's writer is one for all.

  JoinInput input;
  input.what = std::move(remember);
  std::function<void(bool)> later;
  if (wait) later = done;
  log_.Join(std::move(input), [this, bytes, later = std::move(later)](absl::StatusOr<Appended> appended) {
    Leave(bytes, appended.status());
    if (later) later(appended.ok());
    // Last, so that Drain() waits for what `later` uses, too.
    MutexLock lock(&mu_);
    queued_bytes_ -= bytes;
    if (--queued_ == 0) left_.SignalAll();
  });
  if (!wait) done(true);
}

void RequestMemory::Drain() {
  MutexLock lock(&mu_);
  while (queued_ > 0) left_.Wait(&mu_);
}

}  // namespace polyscene
