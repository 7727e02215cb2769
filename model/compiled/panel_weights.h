// Rows times weights in float32: out = act(in W + b), by a kernel of our own.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace polyscene {

// A matrix laid out in panels of as many columns as the processor's vectors take, one behind the other, so that a
// product reads each from its beginning to its end. The way of Goto and van de Geijn, "Anatomy of High-Performance
// Matrix Multiplication" (2008), without its copy of the rows: those that a request has fit the second cache.
//
// For few rows, which a panel is not read often for, and those in no round number: at 8 rows of the reference model it
// does 1.5 times what oneDNN does, at 100 rows 1.1 times. A row's result does not depend on how many go with it.
//
// Immutable, any thread.
class PanelWeights {
 public:
  // weights: [inputs, outputs] row-major. Throws std::bad_alloc.
  PanelWeights(const float* weights, int inputs, int outputs);
  PanelWeights(PanelWeights&&) = default;  // A copy's panels would lie at another distance from its memory's begin.
  PanelWeights& operator=(PanelWeights&&) = default;

  // in: [rows, inputs], out: [rows, outputs], bias: [outputs] or null. relu: max(0, x) behind it; NaN stays.
  void Multiply(const float* in, int rows, const float* bias, bool relu, float* out) const;

 private:
  const float* Begin() const;

  int inputs_ = 0;
  int outputs_ = 0;
  std::vector<float> panels_;  // From an address on that suits the vectors; zeros in columns beyond the last.
};

// The vectors that Multiply() uses of this processor, for people: "AVX-512" and the like.
std::string PanelInstructions();

}  // namespace polyscene
