// Adam whose weight decay does not pass through its moments: w -= rate x decay x w, then Adam's own update. Loshchilov
// and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, where the rate includes the schedule's factor.
#pragma once

#include "model/optimizer/adam.h"

namespace polyscene {

class AdamW : public UpdateRule {
 public:
  AdamW(const v1::AdamW& options, const torch::Tensor& like);
  void Update(torch::Tensor& weights, const torch::Tensor& gradient, const RateFactors& rates, uint64_t step) override;
  // Adam's, under the same names: a model file may change from one to the other and keep it.
  std::vector<std::pair<std::string, torch::Tensor>> state() const override { return adam_.state(); }

 private:
  const double decay_;  // Of a step at the full rate: rate x weight decay.
  Adam adam_;
};

}  // namespace polyscene
