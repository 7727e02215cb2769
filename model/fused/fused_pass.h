// A batch's forward and backward pass through a network's programs.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "model/fused/between_pieces.h"
#include "model/fused/chunk.h"
#include "model/fused/fused_programs.h"
#include "model/fused/plain_weights.h"
#include "model/network/wanted.h"

namespace polyscene {

// Rows go by programs, so that each passes through its own scene's towers alone, in chunks. One pass at a time; not
// thread-safe.
class FusedPass {
 public:
  // Rows of one chunk at most: what its steps hand to each other stays in the last cache, and products are long enough:
  // with 128 a step takes 5 % longer, with 512 as long. And short enough to be a piece.
  static constexpr int64_t kMostRows = 256;

  // Borrows all.
  FusedPass(const FusedPrograms& programs, const ParameterLayout& layout, const BetweenPieces& between_pieces);

  // flat: the parameters, which stay as they are until the last backward pass. inputs: [rows, width] float32 on the
  // CPU. As Network::Forward(), of towers; but rows of scenes that do not have a tower get logits of 0.
  std::vector<torch::Tensor> Forward(const float* flat, const torch::Tensor& inputs, absl::Span<const int32_t> scenes,
                                     absl::Span<const WantedTask> wanted, const std::vector<int>& tower_outputs);

  struct Gradients {
    torch::Tensor inputs;  // [rows, width]
    torch::Tensor flat;    // [parameters]
  };
  // Of the last forward pass, as often as is wanted. logits: [its wanted] gradients of what it gave; undefined: 0.
  Gradients Backward(absl::Span<const torch::Tensor> logits);

 private:
  struct Wanted {
    int tower = 0;
    int64_t count = 0;            // Of rows.
    std::vector<int64_t> places;  // [rows] among the wanted ones; -1: it is not. Empty: every row at its own.
    int64_t PlaceOf(int64_t row) const { return places.empty() ? row : places[row]; }
  };

  int ProgramOf(int64_t row) const { return programs_.program_of[scenes_[row]]; }
  void CutIntoChunks();
  void Want(absl::Span<const WantedTask> wanted, int64_t rows);
  absl::Span<const int64_t> RowsOf(size_t chunk) const;
  std::vector<bool> WantedTowers(size_t chunk) const;
  void LoadInputs(size_t chunk, const torch::Tensor& inputs);
  void StoreLogits(size_t chunk, std::vector<torch::Tensor>& logits) const;
  bool LoadGradients(size_t chunk, absl::Span<const torch::Tensor> logits);  // False: there are none.
  void StoreInputsGradient(size_t chunk, torch::Tensor& inputs);

  const FusedPrograms& programs_;
  const BetweenPieces& between_pieces_;
  const int64_t parameter_count_;
  PlainWeights weights_;
  std::vector<int32_t> scenes_;  // [rows]
  std::vector<int64_t> order_;   // The batch's rows by program.
  std::vector<int64_t> begins_;  // [chunks + 1] in order_.
  std::vector<Chunk> chunks_;
  std::vector<Wanted> wanted_;
  int64_t width_ = 0;        // Of the inputs.
  torch::Tensor values_;     // Memory of all chunks,
  torch::Tensor gradients_;  // and of one on its way back.
};

}  // namespace polyscene
