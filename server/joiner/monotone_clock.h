// A wall clock that never goes back: what windows of requests are measured by.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "server/sync/clock.h"

namespace polyscene {

// Where the wall clock jumps back, this one stands still until it is passed: windows close later then, none earlier.
// Any thread may call it.
class MonotoneClock {
 public:
  explicit MonotoneClock(const Clock& clock) : clock_(clock) {}

  int64_t NowMicros() {
    NotBefore(absl::ToUnixMicros(clock_.Now()));
    return newest_.load(std::memory_order_relaxed);
  }

  void NotBefore(int64_t micros) {
    int64_t newest = newest_.load(std::memory_order_relaxed);
    while (newest < micros && !newest_.compare_exchange_weak(newest, micros, std::memory_order_relaxed)) {
    }
  }

 private:
  const Clock& clock_;
  std::atomic<int64_t> newest_{0};
};

}  // namespace polyscene
