// How long requests take against a target, counted so cheaply that every request can be.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace polyscene {

// Requests by how long they took; a difference of two readings is what came between them.
class LatencyCounts {
 public:
  // A bucket is an eighth of an octave wide, from 1/256 of the target to 256 times it: what is outside is in the first
  // or the last. The target is a bound, so what is above it is counted exactly.
  static constexpr int kPerOctave = 8;
  static constexpr int kOctaves = 8;                       // Below the target, and as many above.
  static constexpr size_t kAbove = kPerOctave * kOctaves;  // The first bucket above the target.
  static constexpr size_t kBuckets = 2 * kAbove;

  uint64_t requests() const;
  uint64_t slow() const;  // Of those: took longer than the target.

  // What they took together, as a multiple of the target, within 9 % above what it was.
  double Total() const;

  // As a multiple of the target, the upper bound of its bucket. 0 where there was no request.
  double Quantile(double share) const;

  LatencyCounts operator-(const LatencyCounts& before) const;

  std::array<uint64_t, kBuckets> buckets{};
};

// Threads: any may call any method, at once. No lock: those who record never wait for one another, nor for who reads.
class LatencyMeter {
 public:
  explicit LatencyMeter(absl::Duration target);

  // An atomic addition. One set of counters for all threads: a cache line that cores take turns at costs some tens of
  // nanoseconds, a request some tens of microseconds at least.
  void Record(absl::Duration took);

  // Since the start. A request that is recorded meanwhile is in this reading or in the next.
  LatencyCounts Read() const;

  absl::Duration target() const { return target_; }
  absl::Duration slow() const { return target_ * 2; }  // What counts as above it.

 private:
  const absl::Duration target_;
  std::array<std::atomic<uint64_t>, LatencyCounts::kBuckets> buckets_{};
};

}  // namespace polyscene
