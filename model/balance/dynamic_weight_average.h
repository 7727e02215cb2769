// Weights by how fast each loss falls: those that fall slower weigh more. Liu, Johns and Davison, "End-to-End
// Multi-Task Learning with Attention", CVPR 2019.
//
// With r a task's mean loss over the last span of steps divided by that over the span before, its weight is the number
// of tasks times the softmax of r / temperature; the paper's spans are epochs. A task that has not had labels in two
// spans yet counts as r = 1.
#pragma once

#include "model/balance/loss_balance.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

class DynamicWeightAverage : public LossBalance {
 public:
  DynamicWeightAverage(const v1::DynamicWeightAverage& options, size_t tasks);

  std::vector<double> Weights() const override;
  void Update(uint64_t step, absl::Span<const double> losses, absl::Span<const double> norms) override;
  std::vector<TaskNumbers> State() override;

 private:
  const double temperature_;
  const uint64_t span_steps_;  // Step numbers that are its multiples end a span.
  // [tasks] each. A span without labels of a task leaves its losses as they are; 0: none yet.
  std::vector<double> last_losses_;
  std::vector<double> losses_before_;
  std::vector<double> loss_sums_;   // Of the current span,
  std::vector<double> loss_steps_;  // over so many steps.
};

}  // namespace polyscene
