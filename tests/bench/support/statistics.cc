#include "tests/bench/support/statistics.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>

namespace polyscene {
namespace {

constexpr int kSamples = 4'000;

}  // namespace

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const size_t at = std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(at), values.end());
  return values[at];
}

double Median(std::vector<double> values) {
  const size_t half = values.size() / 2;
  const double upper = Percentile(values, 0.5);
  if (values.size() % 2 == 1 || values.empty()) return upper;
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(half) - 1, values.end());
  return (values[half - 1] + upper) / 2;
}

MedianInterval IntervalOf(const std::vector<double>& values) {
  if (values.empty()) return {};
  std::mt19937_64 random(1);
  std::uniform_int_distribution<size_t> any(0, values.size() - 1);
  std::vector<double> medians;
  std::vector<double> sample(values.size());
  for (int i = 0; i < kSamples; ++i) {
    for (double& value : sample) value = values[any(random)];
    medians.push_back(Median(sample));
  }
  return {Median(values), Percentile(medians, 0.05), Percentile(medians, 0.95)};
}

std::vector<double> Ratios(const std::vector<double>& above, const std::vector<double>& below) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(above.size(), below.size()); ++i) ratios.push_back(above[i] / below[i]);
  return ratios;
}

}  // namespace polyscene
