#include "server/metrics/latency_meter.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace polyscene {
namespace {

// Bucket b holds what is above 2^((b - kAbove) / 8) of the target, up to and with the next one's bound.
size_t BucketOf(double ratio) {
  if (!(ratio > 0)) return 0;  // A wall clock that was set back.
  const double place = std::ceil(std::log2(ratio) * LatencyCounts::kPerOctave) - 1;
  const double bucket = place + static_cast<double>(LatencyCounts::kAbove);
  return static_cast<size_t>(std::clamp(bucket, 0.0, static_cast<double>(LatencyCounts::kBuckets - 1)));
}

double UpperBound(size_t bucket) {
  const double place = static_cast<double>(bucket) + 1 - static_cast<double>(LatencyCounts::kAbove);
  return std::exp2(place / LatencyCounts::kPerOctave);
}

}  // namespace

uint64_t LatencyCounts::requests() const { return std::accumulate(buckets.begin(), buckets.end(), uint64_t{0}); }

uint64_t LatencyCounts::slow() const { return std::accumulate(buckets.begin() + kAbove, buckets.end(), uint64_t{0}); }

double LatencyCounts::Total() const {
  double total = 0;
  for (size_t b = 0; b < kBuckets; ++b) total += static_cast<double>(buckets[b]) * UpperBound(b);
  return total;
}

double LatencyCounts::Quantile(double share) const {
  const uint64_t all = requests();
  if (all == 0) return 0;
  const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(all)));
  uint64_t within = 0;
  size_t bucket = 0;
  while (bucket + 1 < kBuckets && (within += buckets[bucket]) < rank) ++bucket;
  return UpperBound(bucket);
}

LatencyCounts LatencyCounts::operator-(const LatencyCounts& before) const {
  LatencyCounts difference;
  for (size_t b = 0; b < kBuckets; ++b) difference.buckets[b] = buckets[b] - before.buckets[b];
  return difference;
}

LatencyMeter::LatencyMeter(absl::Duration target) : target_(target) {}

void LatencyMeter::Record(absl::Duration took) {
  buckets_[BucketOf(absl::FDivDuration(took, target_))].fetch_add(1, std::memory_order_relaxed);
}

LatencyCounts LatencyMeter::Read() const {
  LatencyCounts counts;
  for (size_t b = 0; b < LatencyCounts::kBuckets; ++b) counts.buckets[b] = buckets_[b].load(std::memory_order_relaxed);
  return counts;
}

}  // namespace polyscene
