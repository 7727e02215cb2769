#include "client/status/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace polyscene::cli {
namespace {

bool SameBounds(const v1::Histogram& a, const v1::Histogram& b) {
  return a.counts_size() == b.counts_size() &&
         std::equal(a.upper_bounds().begin(), a.upper_bounds().end(), b.upper_bounds().begin(), b.upper_bounds().end());
}

// Three significant digits, without an exponent.
std::string ThreeDigits(double value) {
  return absl::StrFormat("%.*f", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
}

std::string ReadableShortSeconds(double seconds) {
  if (seconds < 0.9995e-3) return absl::StrFormat("%.0f us", seconds * 1e6);
  if (seconds < 0.9995) return absl::StrCat(ThreeDigits(seconds * 1e3), " ms");
  return absl::StrCat(ThreeDigits(seconds), " s");
}

}  // namespace

v1::Histogram HistogramSince(const v1::Histogram& newer, const v1::Histogram& older) {
  if (!SameBounds(newer, older)) return newer;
  v1::Histogram since = newer;
  for (int i = 0; i < since.counts_size(); ++i) {
    if (older.counts(i) > newer.counts(i)) return newer;
    since.set_counts(i, newer.counts(i) - older.counts(i));
  }
  since.set_sum(newer.sum() - older.sum());
  return since;
}

uint64_t HistogramCount(const v1::Histogram& histogram) {
  uint64_t count = 0;
  for (const uint64_t bin : histogram.counts()) count += bin;
  return count;
}

void AddHistogram(const v1::Histogram& addend, v1::Histogram& sum) {
  if (sum.counts().empty()) {
    sum = addend;
    return;
  }
  if (!SameBounds(addend, sum)) return;
  for (int i = 0; i < sum.counts_size(); ++i) sum.set_counts(i, sum.counts(i) + addend.counts(i));
  sum.set_sum(sum.sum() + addend.sum());
}

QuantileValue HistogramQuantile(const v1::Histogram& histogram, double q) {
  const uint64_t count = HistogramCount(histogram);
  const int bounds = histogram.upper_bounds_size();
  if (count == 0 || bounds == 0 || histogram.counts_size() != bounds + 1) {
    return {std::numeric_limits<double>::quiet_NaN(), false};
  }
  const double rank = q * static_cast<double>(count);
  double below = 0;
  for (int i = 0; i < bounds; ++i) {
    const double here = static_cast<double>(histogram.counts(i));
    if (here > 0 && below + here >= rank) {
      const double from = i == 0 ? 0 : histogram.upper_bounds(i - 1);
      return {from + (histogram.upper_bounds(i) - from) * std::max(rank - below, 0.0) / here, false};
    }
    below += here;
  }
  return {histogram.upper_bounds(bounds - 1), true};
}

std::string ReadableQuantile(const QuantileValue& seconds) {
  if (!std::isfinite(seconds.value)) return "-";
  if (!seconds.beyond) return ReadableShortSeconds(seconds.value);
  return absl::StrFormat(">%g s", seconds.value);  // A bound, as round as it was chosen.
}

}  // namespace polyscene::cli
