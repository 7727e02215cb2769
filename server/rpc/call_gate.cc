#include "server/rpc/call_gate.h"

#include <algorithm>

#include "absl/time/clock.h"

namespace polyscene {
namespace {

// What "a moment" is, and how long calls that keep coming are refused politely: beyond, somebody hammers.
constexpr absl::Duration kQuiet = absl::Milliseconds(50);
constexpr absl::Duration kPoliteness = absl::Milliseconds(500);

}  // namespace

bool CallGate::Enter() {
  MutexLock lock(&mu_);
  ++in_flight_;
  last_arrival_ = absl::Now();
  return !closed_;
}

void CallGate::Leave() {
  MutexLock lock(&mu_);
  if (--in_flight_ == 0) left_.SignalAll();
}

void CallGate::CloseAndWait(absl::Time deadline) {
  MutexLock lock(&mu_);
  closed_ = true;
  const absl::Time polite_until = std::min(deadline, absl::Now() + kPoliteness);
  for (absl::Time now = absl::Now(); now < deadline; now = absl::Now()) {
    const absl::Time quiet = std::min(last_arrival_ + kQuiet, polite_until);
    if (in_flight_ == 0 && now >= quiet) return;
    left_.WaitWithTimeout(&mu_, in_flight_ > 0 ? deadline - now : quiet - now);
  }
}

}  // namespace polyscene
