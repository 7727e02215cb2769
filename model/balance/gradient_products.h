// Inner products of gradients: all that their norms, their cosines and what projections make of them depend on.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

namespace polyscene {

class GradientProducts {
 public:
  GradientProducts() = default;  // Of none.
  explicit GradientProducts(int count) : count_(count), values_(static_cast<size_t>(count) * count) {}

  int count() const { return count_; }  // Of gradients.
  double& At(int i, int j) { return values_[static_cast<size_t>(i) * count_ + j]; }
  double At(int i, int j) const { return values_[static_cast<size_t>(i) * count_ + j]; }

  double Norm(int i) const { return std::sqrt(At(i, i)); }
  // NaN where one of them is 0.
  double Cosine(int i, int j) const {
    const double norms = Norm(i) * Norm(j);
    return norms > 0 ? At(i, j) / norms : std::numeric_limits<double>::quiet_NaN();
  }

 private:
  int count_ = 0;
  std::vector<double> values_;  // [count, count], symmetric.
};

}  // namespace polyscene
