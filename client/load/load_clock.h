// A run's time, as something that a test can hand in.
#pragma once

#include "absl/time/time.h"

namespace polyscene::load {

// Any thread may call it.
class LoadClock {
 public:
  virtual ~LoadClock() = default;
  virtual absl::Duration Now() const = 0;              // Since some moment before the run; never goes back.
  virtual void SleepUntil(absl::Duration moment) = 0;  // Returns at once where that has passed.
};

// The machine's monotonic clock: setting the time of day does not disturb a run.
class MonotonicClock : public LoadClock {
 public:
  absl::Duration Now() const override;
  void SleepUntil(absl::Duration moment) override;
};

}  // namespace polyscene::load
