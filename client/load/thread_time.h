// How much processor time a thread has taken.
#pragma once

#include <pthread.h>
#include <time.h>

#include "absl/time/time.h"

namespace polyscene::load {

// Of a running thread; its own from `TimeOfThread(pthread_self())`. 0 where the system does not tell.
inline absl::Duration TimeOfThread(pthread_t thread) {
  clockid_t clock;
  timespec time;
  if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &time) != 0) return absl::ZeroDuration();
  return absl::DurationFromTimespec(time);
}

}  // namespace polyscene::load
