// How long to wait before trying again.
#pragma once

#include "absl/random/random.h"
#include "absl/time/time.h"

namespace polyscene::client {

struct BackoffOptions {
  absl::Duration initial = absl::Milliseconds(100);
  absl::Duration maximum = absl::Seconds(5);
  double growth = 2;
};

// Delays that grow exponentially, each drawn from the upper half of its range, so that many clients whose server
// restarted do not come back at one moment. Not thread-safe.
class Backoff {
 public:
  explicit Backoff(BackoffOptions options = {}) : options_(options), next_(options.initial) {}

  // Between half the current delay and all of it; the next one is larger.
  absl::Duration Next();

  void Reset() { next_ = options_.initial; }

 private:
  BackoffOptions options_;
  absl::Duration next_;
  absl::BitGen random_;
};

}  // namespace polyscene::client
