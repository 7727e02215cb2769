// Counts the calls in flight, and lets a stop wait for them.
#pragma once

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "server/sync/mutex.h"

namespace polyscene {

// gRPC cancels a call that crosses its own goodbye. So a stop first closes the gate: what arrives from then on is
// refused with a status that says why, and only when calls have come to an end gRPC is told. Any thread may call any
// method.
class CallGate {
 public:
  // A call has arrived. False: the gate is closed, and the call is to be refused; Leave() is due in either case.
  bool Enter();
  void Leave();  // Its answer is sent.

  // Blocks until no call is in flight and none has come for a moment (a client that was just refused may be about to
  // try again), or until `deadline`. Afterwards the gate is closed.
  void CloseAndWait(absl::Time deadline);

 private:
  Mutex mu_;
  CondVar left_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  int64_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Time last_arrival_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
};

}  // namespace polyscene
