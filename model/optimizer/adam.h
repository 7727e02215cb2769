// Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, with bias correction.
#pragma once

#include "model/optimizer/update_rule.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

class Adam : public UpdateRule {
 public:
  Adam(const v1::Adam& options, const torch::Tensor& like);
  void Update(torch::Tensor& weights, const torch::Tensor& gradient, const RateFactors& rates, uint64_t step) override;
  std::vector<std::pair<std::string, torch::Tensor>> state() const override;

 private:
  const double rate_;
  const double beta1_;
  const double beta2_;
  const double epsilon_;
  torch::Tensor mean_;      // First moment.
  torch::Tensor variance_;  // Second, uncentred.
};

}  // namespace polyscene
