// Rows of one program on their way through it, and back.
#pragma once

#include <torch/types.h>

#include <vector>

#include "model/compiled/row_kernels.h"
#include "model/fused/between_pieces.h"
#include "model/fused/fused_programs.h"
#include "model/fused/plain_weights.h"

namespace polyscene {

// Products are LibTorch's, whatever BLAS it has; the rest are the compiled forward's own loops and their way back.
// Borrows all of it. Not thread-safe.
class Chunk {
 public:
  // between_pieces: called before each step, of either way. memory: FusedProgram::floats a row, at a cache line.
  Chunk(const FusedPrograms& programs, const BetweenPieces& between_pieces, int program, int rows, float* memory);

  int rows() const { return rows_; }
  int64_t floats() const { return program_.floats * rows_; }  // Of its memory.

  RowsView Inputs() const { return Values(program_.program.rows); }
  // Whether the tower's logits were computed: they were wanted, and the program has the tower.
  bool Computed(int tower) const { return program_.program.logits[tower] >= 0 && wanted_[tower]; }
  RowsView Logits(int tower) const { return Values(program_.program.logits[tower]); }

  // From the inputs to the logits of the wanted towers: [ModelSpec::towers()].
  void Forward(PlainWeights& weights, std::vector<bool> wanted);

  // A way back begins, in memory as large as that of the forward pass.
  void BeginBackward(float* memory);
  RowsView LogitsGradient(int tower) { return Gradient(program_.program.logits[tower]); }  // Zeros at first.
  // From the gradients of the logits to those of the weights and of the inputs.
  void Backward(PlainWeights& weights);
  RowsView InputsGradient() { return Gradient(program_.program.rows); }

 private:
  RowsView At(float* memory, int buffer) const {
    return {memory + program_.begins[buffer] * rows_, program_.program.buffers[buffer].width, false};
  }
  RowsView Values(int buffer) const { return At(values_, buffer); }
  RowsView Gradient(int buffer);  // Zeros where it is met first.

  void Product(PlainWeights& weights, const Step& step);
  void Run(PlainWeights& weights, const Step& step);
  void ProductBackward(PlainWeights& weights, const Step& step);
  void RunBackward(PlainWeights& weights, const Step& step);
  void MixBackward(const Step& step);

  const FusedPrograms& programs_;
  const BetweenPieces& between_pieces_;
  const FusedProgram& program_;
  const int rows_;
  float* const values_;
  std::vector<bool> wanted_;  // [towers]
  float* gradients_ = nullptr;
  std::vector<bool> met_;  // [buffers] Whether its gradient has begun.
};

}  // namespace polyscene
