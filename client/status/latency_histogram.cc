#include "client/status/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace polyscene::cli {
namespace {

constexpr int kSubBits = 7;  // 128 bins a power of two.
constexpr int64_t kSubBins = int64_t{1} << kSubBits;
constexpr int kPowers = 63 - kSubBits;

int HighestBit(int64_t value) { return 63 - __builtin_clzll(static_cast<unsigned long long>(value)); }

// Below 128 ns a bin is a nanosecond; above, the 7 bits after the highest one choose it.
size_t BinOf(int64_t nanoseconds) {
  if (nanoseconds < kSubBins) return static_cast<size_t>(nanoseconds);
  const int shift = HighestBit(nanoseconds) - kSubBits;
  return static_cast<size_t>((shift + 1) * kSubBins + (nanoseconds >> shift) - kSubBins);
}

// The middle of a bin.
double MiddleOf(size_t bin) {
  const auto index = static_cast<int64_t>(bin);
  if (index < kSubBins) return static_cast<double>(index);
  const int64_t shift = index / kSubBins - 1;
  const double width = std::ldexp(1.0, static_cast<int>(shift));
  return width * (static_cast<double>(kSubBins + index % kSubBins) + 0.5);
}

}  // namespace

LatencyHistogram::LatencyHistogram() : bins_(static_cast<size_t>((kPowers + 1) * kSubBins)) {}

void LatencyHistogram::Record(absl::Duration latency) {
  const int64_t nanoseconds = std::max<int64_t>(absl::ToInt64Nanoseconds(latency), 0);
  ++bins_[BinOf(nanoseconds)];
  ++count_;
  max_ = std::max(max_, nanoseconds);
  sum_ += static_cast<double>(nanoseconds);
}

double LatencyHistogram::MeanSeconds() const {
  return count_ == 0 ? std::numeric_limits<double>::quiet_NaN() : sum_ / static_cast<double>(count_) * 1e-9;
}

double LatencyHistogram::QuantileSeconds(double q) const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  const double wanted = std::max(1.0, std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_)));
  int64_t passed = 0;
  for (size_t bin = 0; bin < bins_.size(); ++bin) {
    passed += bins_[bin];
    if (static_cast<double>(passed) >= wanted) return std::min(MiddleOf(bin), static_cast<double>(max_)) * 1e-9;
  }
  return static_cast<double>(max_) * 1e-9;
}

}  // namespace polyscene::cli
