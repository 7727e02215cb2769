// Figures of repeated measurements.
#pragma once

#include <vector>

namespace polyscene {

// The value that `share` of them lie below; 0 of none.
double Percentile(std::vector<double> values, double share);
double Median(std::vector<double> values);

// The median of the values, and an interval that holds the true one with a probability of 90 %.
struct MedianInterval {
  double median = 0;
  double low = 0;
  double high = 0;
};

// By the bootstrap: the medians of 4,000 samples that are drawn from the values with replacement (Efron and Tibshirani,
// "An Introduction to the Bootstrap", 1993). The same values give the same interval.
MedianInterval IntervalOf(const std::vector<double>& values);

// above[i] / below[i], of measurements that were taken in pairs.
std::vector<double> Ratios(const std::vector<double>& above, const std::vector<double>& below);

}  // namespace polyscene
