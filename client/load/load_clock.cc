#include "client/load/load_clock.h"

#include <sys/prctl.h>
#include <time.h>

namespace polyscene::load {

absl::Duration MonotonicClock::Now() const {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

void MonotonicClock::SleepUntil(absl::Duration moment) {
  // Linux lets a sleeper wake up to 50 microseconds late unless told otherwise: that would be in every latency.
  static thread_local const int slack = prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);  // Nanoseconds.
  (void)slack;
  const timespec until = absl::ToTimespec(moment);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);  // A signal ends it early: callers look again.
}

}  // namespace polyscene::load
