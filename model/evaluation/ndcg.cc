#include "model/evaluation/ndcg.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

namespace polyscene {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

double Gain(float gain) { return gain > 0 ? double{gain} : 0; }

double Discount(size_t rank) { return 1 / std::log2(1 + static_cast<double>(rank)); }  // From rank 1.

// Rows of one score: which of the order they are, and what they gain.
struct Ties {
  size_t begin = 0;
  size_t end = 0;
  double gain = 0;      // Sum.
  size_t relevant = 0;  // With a gain.
};

// Groups of equal scores, best first.
std::vector<Ties> GroupTies(absl::Span<const float> scores, absl::Span<const float> gains) {
  const auto key = [&](size_t row) {
    return std::isnan(scores[row]) ? -std::numeric_limits<float>::infinity() : scores[row];
  };
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) > key(b); });
  std::vector<Ties> groups;
  for (size_t place = 0; place < order.size(); ++place) {
    if (place == 0 || key(order[place]) != key(order[place - 1])) groups.push_back({.begin = place});
    const double gain = Gain(gains[order[place]]);
    groups.back().end = place + 1;
    groups.back().gain += gain;
    groups.back().relevant += gain > 0;
  }
  return groups;
}

}  // namespace

double Ndcg(absl::Span<const float> scores, absl::Span<const float> gains, int k) {
  const size_t cut = std::min(scores.size(), static_cast<size_t>(std::max(k, 1)));
  std::vector<double> best(gains.size());
  std::transform(gains.begin(), gains.end(), best.begin(), Gain);
  std::sort(best.begin(), best.end(), std::greater<double>());
  double ideal = 0;
  for (size_t place = 0; place < cut; ++place) ideal += best[place] * Discount(place + 1);
  if (ideal == 0) return kUndefined;

  double reached = 0;
  for (const Ties& ties : GroupTies(scores, gains)) {
    const double mean = ties.gain / static_cast<double>(ties.end - ties.begin);
    for (size_t place = ties.begin; place < std::min(ties.end, cut); ++place) reached += mean * Discount(place + 1);
  }
  return reached / ideal;
}

double ReciprocalRank(absl::Span<const float> scores, absl::Span<const float> gains) {
  for (const Ties& ties : GroupTies(scores, gains)) {
    if (ties.relevant == 0) continue;
    // Of `left` tied rows one after the other is drawn; the first relevant one ends it.
    double expected = 0, none_yet = 1;
    size_t left = ties.end - ties.begin;
    for (size_t place = ties.begin; left >= ties.relevant; ++place, --left) {
      const double hit = static_cast<double>(ties.relevant) / static_cast<double>(left);
      expected += none_yet * hit / static_cast<double>(place + 1);
      none_yet *= 1 - hit;
    }
    return expected;
  }
  return kUndefined;
}

}  // namespace polyscene
