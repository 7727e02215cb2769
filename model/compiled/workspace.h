// Runs programs: buffers, and what products need.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "model/compiled/compiled_network.h"
#include "model/compiled/row_kernels.h"

namespace polyscene {

// One at a time; whoever runs programs on several threads has several. Allocates nothing once it has met every size of
// request.
class Workspace {
 public:
  // Borrows the network for its life.
  explicit Workspace(const CompiledNetwork& network);

  // A buffer of the program's. Another program's are the same memory.
  RowsView Buffer(const Program& program, int buffer);

  // Computes what the program's context buffer holds through its first layers. Split programs alone.
  void RunContext(const Program& program, const PackedWeights& weights, const std::vector<bool>& wanted);

  // Computes the logits of the wanted towers from the program's rows buffer: 1 to PackedProduct::kMostRows rows.
  // wanted: [ModelSpec::towers()]
  void RunRows(const Program& program, const PackedWeights& weights, const std::vector<bool>& wanted, int rows);

 private:
  void Run(const Program& program, const Step& step, const PackedWeights& weights, int rows);

  ProductRunner products_;
  std::vector<std::byte> memory_;
  std::byte* begin_;             // Of memory_, where a cache line begins.
  std::vector<RowsView> parts_;  // Of one step; kept for its memory.
};

}  // namespace polyscene
