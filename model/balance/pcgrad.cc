#include "model/balance/pcgrad.h"

#include <utility>

#include "model/embedding/initial_row.h"

namespace polyscene {
namespace {

// The others in a random order: Fisher and Yates.
std::vector<int> OthersInRandomOrder(int count, int self, uint64_t& random) {
  std::vector<int> others;
  for (int i = 0; i < count; ++i) {
    if (i != self) others.push_back(i);
  }
  for (size_t left = others.size(); left > 1; --left) std::swap(others[left - 1], others[SplitMix64(random) % left]);
  return others;
}

}  // namespace

std::vector<double> ProjectConflicts(const GradientProducts& products, uint64_t seed, uint64_t step) {
  const int count = products.count();
  uint64_t random = seed;
  random = SplitMix64(random) ^ step;  // Mixed, so that neighbouring seeds and steps share no order.
  std::vector<double> factors(count);
  std::vector<double> projected(count);  // The gradient in hand, as a sum of all as they were.
  for (int i = 0; i < count; ++i) {
    projected.assign(count, 0);
    projected[i] = 1;
    for (const int other : OthersInRandomOrder(count, i, random)) {
      double along = 0;
      for (int k = 0; k < count; ++k) along += projected[k] * products.At(k, other);
      if (along < 0) projected[other] -= along / products.At(other, other);
    }
    for (int k = 0; k < count; ++k) factors[k] += projected[k];
  }
  return factors;
}

}  // namespace polyscene
