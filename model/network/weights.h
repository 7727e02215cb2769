// Weights as the layers of a network read them.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "model/network/parameters.h"

namespace polyscene {

// Matrices that change others of the same layout.
struct WeightOverlay {
  // By index of a matrix: what multiplies it elementwise, or is added to it where it is a bias; -1: it stays.
  std::vector<int> over;
  std::vector<bool> added;
};

// The model's weights, or what an overlay makes of them. A matrix is computed when it is asked for, so that what a
// forward pass does not read costs nothing. Borrows both for its life.
class Weights {
 public:
  Weights(const Parameters& parameters, const WeightOverlay* overlay = nullptr)  // NOLINT: a view, made in passing.
      : parameters_(parameters), overlay_(overlay) {}

  torch::Tensor operator[](int index) const {
    const int over = Over(index);
    if (over < 0) return parameters_[index];
    return overlay_->added[index] ? parameters_[index] + parameters_[over] : parameters_[index] * parameters_[over];
  }

  // Place i along the first axis.
  torch::Tensor Slice(int index, int64_t i) const {
    const int over = Over(index);
    const torch::Tensor slice = parameters_.Slice(index, i);
    if (over < 0) return slice;
    return overlay_->added[index] ? slice + parameters_.Slice(over, i) : slice * parameters_.Slice(over, i);
  }

 private:
  int Over(int index) const {
    return overlay_ == nullptr || index >= static_cast<int>(overlay_->over.size()) ? -1 : overlay_->over[index];
  }

  const Parameters& parameters_;
  const WeightOverlay* const overlay_;
};

}  // namespace polyscene
