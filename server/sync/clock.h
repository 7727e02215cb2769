// What time it is, as something a test can hand in.
#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace polyscene {

// Any thread may call it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

class SystemClock : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

}  // namespace polyscene
