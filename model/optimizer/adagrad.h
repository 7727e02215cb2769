// One accumulator a weight, the sum of its squared gradients: w -= rate x g / (sqrt(initial + sum) + epsilon). Duchi et
// al., "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 2011.
#pragma once

#include "model/optimizer/update_rule.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

class Adagrad : public UpdateRule {
 public:
  Adagrad(const v1::Adagrad& options, const torch::Tensor& like);
  void Update(torch::Tensor& weights, const torch::Tensor& gradient, const RateFactors& rates, uint64_t step) override;
  std::vector<std::pair<std::string, torch::Tensor>> state() const override;

 private:
  const double rate_;
  const double initial_accumulator_;
  const double epsilon_;
  torch::Tensor sum_;
};

}  // namespace polyscene
