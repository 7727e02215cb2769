// The learning step of the reference model that one would write on LibTorch: modules and autograd for the dense part,
// Adam for its weights, and for the table, which is one tensor, the batch's distinct rows gathered and their Adagrad by
// hand. What our step is compared with.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace polyscene {

struct AutogradBatch {
  int scene = 0;
  torch::Tensor rows;     // [batch, 20] int64, of the table.
  torch::Tensor numbers;  // [batch, 10]
  torch::Tensor labels;   // [3, batch] of the scene's tasks, 0 or 1.
};

class AutogradStep {
 public:
  explicit AutogradStep(int64_t table_rows);
  ~AutogradStep();

  double Learn(const AutogradBatch& batch);  // Returns the sum of the tasks' mean losses.

 private:
  struct Network;
  const std::unique_ptr<Network> network_;
  torch::Tensor table_;         // [rows, 16]
  torch::Tensor accumulators_;  // [rows]
};

}  // namespace polyscene
