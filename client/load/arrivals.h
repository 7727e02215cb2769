// When requests of an open loop are due.
#pragma once

#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace polyscene::load {

// Times from the start of a run at which independent callers, `rate` a second together, would call: with exponential
// gaps (a Poisson process), or one after the other at equal gaps. The same seed gives the same times. Endless. Not
// thread-safe.
class Arrivals {
 public:
  enum class Kind { kPoisson, kUniform };

  Arrivals(Kind kind, double rate, uint64_t seed) : kind_(kind), rate_(rate), random_(seed) {}

  absl::Duration Next();  // Never before the one returned last.

 private:
  const Kind kind_;
  const double rate_;
  std::mt19937_64 random_;
  int64_t made_ = 0;
  double seconds_ = 0;
};

}  // namespace polyscene::load
