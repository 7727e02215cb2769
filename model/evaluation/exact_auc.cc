#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "model/evaluation/evaluation.h"

namespace polyscene {

double ExactAuc(absl::Span<const float> scores, absl::Span<const float> labels) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });

  double pairs = 0;  // (negative, positive) pairs in the right order, a tie counting half.
  uint64_t negatives = 0;
  uint64_t positives = 0;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    uint64_t tied[2] = {0, 0};  // Negatives and positives of this score.
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) ++tied[labels[order[end]] > 0.5f];
    pairs += static_cast<double>(tied[1]) * (static_cast<double>(negatives) + 0.5 * static_cast<double>(tied[0]));
    negatives += tied[0];
    positives += tied[1];
    begin = end;
  }
  if (negatives == 0 || positives == 0) return std::numeric_limits<double>::quiet_NaN();
  return pairs / (static_cast<double>(negatives) * static_cast<double>(positives));
}

}  // namespace polyscene
