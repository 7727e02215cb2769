// Quantiles of the histograms that a server tells.
#pragma once

#include <cstdint>
#include <string>

#include "polyscene/v1/model_service.pb.h"

namespace polyscene::cli {

// What came to `newer` since `older`. Where `older` does not precede `newer` (other bounds, or larger counts: the
// server began again) it is `newer` itself.
v1::Histogram HistogramSince(const v1::Histogram& newer, const v1::Histogram& older);

uint64_t HistogramCount(const v1::Histogram& histogram);

// All of `addend`'s values, too, where the bounds are the same or `sum` is empty; else `sum` stays as it is.
void AddHistogram(const v1::Histogram& addend, v1::Histogram& sum);

// The value that a share `q` (0 to 1) of all values is at or below, linear within its bin, of which the first begins at
// 0. A quantile beyond the last bound is that bound's, marked so. NaN: no values, or not a histogram.
struct QuantileValue {
  double value = 0;
  bool beyond = false;
};
QuantileValue HistogramQuantile(const v1::Histogram& histogram, double q);

// A duration to be read, three significant digits: "850 us", "1.23 ms", "12.3 s", ">2.5 s" beyond the last bound, "-"
// for NaN.
std::string ReadableQuantile(const QuantileValue& seconds);

}  // namespace polyscene::cli
