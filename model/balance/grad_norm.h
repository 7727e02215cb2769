// Weights that move until the tasks pull at the shared weights in proportion to how slowly they learn. Chen et al.,
// "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks", ICML 2018.
//
// With g the norm of a task's gradient, w its weight and G = w g, the mean of G over tasks Gm, and r a task's relative
// slowness (its loss as a share of its first, divided by the mean of these shares), the weights descend
// sum |G - Gm r^alpha|, the targets held constant, and then sum to the number of tasks again. Two things differ from
// the paper: they descend in their logarithm and in units of Gm, so that none turns negative and the rate means the
// same whatever scale the losses have; and a task's loss is the mean since the last update, not one step's.
#pragma once

#include "model/balance/loss_balance.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

// The derivatives of sum |w g - target| / Gm by each log w: weighted: G, [n] above 0; slowness: r, [n].
std::vector<double> GradNormGradient(absl::Span<const double> weighted, absl::Span<const double> slowness,
                                     double alpha);

class GradNorm : public LossBalance {
 public:
  GradNorm(const v1::GradNorm& options, size_t tasks);

  std::vector<double> Weights() const override { return weights_; }
  bool TakesNorms(uint64_t step) const override { return step % every_steps_ == 0; }
  void Update(uint64_t step, absl::Span<const double> losses, absl::Span<const double> norms) override;
  std::vector<TaskNumbers> State() override;

 private:
  void MoveWeights(absl::Span<const double> norms);

  const double alpha_;
  const double rate_;
  const uint64_t every_steps_;
  // [tasks] each.
  std::vector<double> weights_;
  std::vector<double> first_losses_;  // Means up to the first update that had them; 0: none yet.
  std::vector<double> loss_sums_;     // Since the last update,
  std::vector<double> loss_steps_;    // over so many steps.
};

}  // namespace polyscene
