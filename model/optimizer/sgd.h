// Stochastic gradient descent, with momentum (Polyak, "Some Methods of Speeding up the Convergence of Iteration
// Methods", 1964): v = momentum x v + g; w -= rate x v. The rate stands outside v, so that a changed rate holds from
// the next step on.
#pragma once

#include "model/optimizer/update_rule.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

class Sgd : public UpdateRule {
 public:
  Sgd(const v1::Sgd& options, const torch::Tensor& like);
  void Update(torch::Tensor& weights, const torch::Tensor& gradient, const RateFactors& rates, uint64_t step) override;
  std::vector<std::pair<std::string, torch::Tensor>> state() const override;

 private:
  const double rate_;
  const double momentum_;
  torch::Tensor velocity_;  // Undefined without momentum.
};

}  // namespace polyscene
