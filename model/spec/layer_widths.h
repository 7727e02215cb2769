// How wide the layers of an MLP are, whatever skips there are between them.
#pragma once

#include <cstdint>
#include <vector>

#include "polyscene/v1/model.pb.h"

namespace polyscene {

// What layers pass on beside their own outputs: see Network.Skip in model.proto.
enum class Skip { kNone, kResidual, kDense };

inline Skip SkipOf(const v1::Network& network) {
  switch (network.skip()) {
    case v1::Network::RESIDUAL:
      return Skip::kResidual;
    case v1::Network::DENSE:
      return Skip::kDense;
    default:
      return Skip::kNone;
  }
}

// Inputs of each layer of an MLP with these hidden widths, and behind them those of whatever reads its outputs: one
// number more than there are widths. With dense skips a layer reads all before it; outside only the last layer is read.
template <typename Widths>
std::vector<int64_t> LayerInputs(Skip skip, int64_t inputs, const Widths& widths) {
  std::vector<int64_t> read = {inputs};
  int64_t last = inputs;
  for (const int64_t width : widths) {
    if (read.size() > 1 && skip == Skip::kDense) {
      read.back() = read[read.size() - 2] + last;
    }
    read.push_back(width);
    last = width;
  }
  return read;
}

}  // namespace polyscene
