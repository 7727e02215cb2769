// Random numbers of our own: standard distributions differ between libraries, and a seed must mean the same rows
// everywhere.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace polyscene::simulator {

// SplitMix64's finalizer (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
inline uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// A stream of random numbers: a function of (seed, stream) alone. Not thread-safe.
class Random {
 public:
  Random(uint64_t seed, uint64_t stream) : state_(Mix(Mix(seed + kStep) + stream)) {}

  uint64_t Next() { return Mix(state_ += kStep); }

  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }  // In [0, 1).
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }

  // In [0, n), n from 1 to 2^32: the high half of a product, whose bias of n / 2^64 nobody will see.
  int Below(int64_t n) { return static_cast<int>(((Next() >> 32) * static_cast<uint64_t>(n)) >> 32); }

  bool Chance(double probability) { return Uniform() < probability; }

  double Normal() {  // Box and Muller; the second of the pair waits for the next call.
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
    const double angle = 2 * 3.14159265358979323846 * Uniform();
    spare_ = radius * std::sin(angle);
    has_spare_ = true;
    return radius * std::cos(angle);
  }

  double Exponential(double mean) { return -mean * std::log(1 - Uniform()); }

  // Exact below 30 (Knuth), a rounded normal beyond, where the two can hardly be told apart.
  int Poisson(double mean) {
    if (mean >= 30) return static_cast<int>(std::lround(std::fmax(0, mean + std::sqrt(mean) * Normal())));
    const double limit = std::exp(-mean);
    int count = 0;
    for (double product = Uniform(); product > limit; product *= Uniform()) ++count;
    return count;
  }

 private:
  static constexpr uint64_t kStep = 0x9E3779B97F4A7C15u;

  uint64_t state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

// Draws indexes in proportion to their weights in constant time (Vose's alias method). Immutable.
class WeightedChoice {
 public:
  explicit WeightedChoice(const std::vector<double>& weights) : keep_(weights.size(), 1), alias_(weights.size()) {
    double sum = 0;
    for (const double weight : weights) sum += weight;
    std::vector<double> scaled;
    std::vector<int> small, large;
    for (size_t i = 0; i < weights.size(); ++i) {
      scaled.push_back(weights[i] * static_cast<double>(weights.size()) / sum);
      alias_[i] = static_cast<int>(i);
      (scaled[i] < 1 ? small : large).push_back(static_cast<int>(i));
    }
    while (!small.empty() && !large.empty()) {
      const int less = small.back(), more = large.back();
      small.pop_back();
      keep_[less] = scaled[less];
      alias_[less] = more;
      scaled[more] -= 1 - scaled[less];
      if (scaled[more] < 1) {
        large.pop_back();
        small.push_back(more);
      }
    }
  }

  int Draw(Random& random) const {
    const int i = random.Below(static_cast<int64_t>(keep_.size()));
    return random.Uniform() < keep_[i] ? i : alias_[i];
  }

 private:
  std::vector<double> keep_;  // Chance to stay with the index; otherwise its alias is taken.
  std::vector<int> alias_;
};

}  // namespace polyscene::simulator
