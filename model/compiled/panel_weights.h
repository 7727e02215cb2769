// Rows times weights in float32: out = act(in W + b), by a kernel of our own.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace polyscene {

// Generations of processors that the kernel was made for; each has what those before it have.
enum class PanelKernel { kFour, kAvx2, kAvx512 };

// The last one that this processor has.
PanelKernel BestPanelKernel();

// A matrix laid out in panels of as many columns as the processor's vectors take, one behind the other, so that a
// product reads each from its beginning to its end. The way of Goto and van de Geijn, "Anatomy of High-Performance
// Matrix Multiplication" (2008), without its copy of the rows and its cuts through the inputs: what a request has of
// them fits the second cache.
//
// For few rows, which a panel is not read often for, and those in no round number: at 8 rows of the reference model it
// does 1.5 times what oneDNN does, at 100 rows 1.1 times. A row's result does not depend on how many go with it.
//
// Immutable, any thread.
class PanelWeights {
 public:
  // weights: [inputs, outputs] row-major. kernel: none that the processor does not have. Throws std::bad_alloc.
  PanelWeights(const float* weights, int inputs, int outputs, PanelKernel kernel = BestPanelKernel());
  PanelWeights(PanelWeights&&) = default;  // A copy's panels would lie at another distance from its memory's begin.
  PanelWeights& operator=(PanelWeights&&) = default;

  // in: [rows, inputs], out: [rows, outputs], bias: [outputs] or null. relu: max(0, x) behind it; NaN stays.
  void Multiply(const float* in, int rows, const float* bias, bool relu, float* out) const;

 private:
  const float* Begin() const;

  PanelKernel kernel_ = PanelKernel::kFour;
  int inputs_ = 0;
  int outputs_ = 0;
  std::vector<float> panels_;  // From an address on that suits the vectors; zeros in columns beyond the last.
};

// BestPanelKernel() for people: "AVX-512" and the like.
std::string PanelInstructions();

}  // namespace polyscene
