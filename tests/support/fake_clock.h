// A clock that moves when a test says so.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "server/sync/clock.h"
#include "server/sync/mutex.h"

namespace polyscene {

class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time now = absl::FromUnixSeconds(1'700'000'000)) : now_(now) {}

  absl::Time Now() const override {
    MutexLock lock(&mu_);
    return now_;
  }

  void Advance(absl::Duration duration) {
    MutexLock lock(&mu_);
    now_ += duration;
  }

 private:
  mutable Mutex mu_;
  absl::Time now_ ABSL_GUARDED_BY(mu_);
};

}  // namespace polyscene
