// The weights of the model file and nothing else.
#pragma once

#include "model/balance/loss_balance.h"

namespace polyscene {

class FixedWeights : public LossBalance {
 public:
  explicit FixedWeights(size_t tasks) : tasks_(tasks) {}

  std::vector<double> Weights() const override { return std::vector<double>(tasks_, 1.0); }
  void Update(uint64_t /*step*/, absl::Span<const double> /*losses*/, absl::Span<const double> /*norms*/) override {}
  std::vector<TaskNumbers> State() override { return {}; }

 private:
  const size_t tasks_;
};

}  // namespace polyscene
