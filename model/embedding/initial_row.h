// What a row is before anything was learned for its id.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace polyscene {

// Uniform in +-range, a function of (seed, table, id) alone: the order in which ids appear does not matter, and an id
// without a row is served exactly what its row would start with.
void InitialRow(uint64_t seed, uint64_t table, uint64_t id, float range, absl::Span<float> values);

// One step of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
inline uint64_t SplitMix64(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// The top 24 bits of `bits` as a float in [-1, 1).
inline float SignedUnit(uint64_t bits) { return static_cast<float>(bits >> 40) * (1.0f / (1 << 23)) - 1.0f; }

}  // namespace polyscene
