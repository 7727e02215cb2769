// The classic multi-task network: one MLP shared by all scenes and tasks, a tower per task.
// Caruana, "Multitask Learning", Machine Learning 28, 1997.
#pragma once

#include "model/network/mlp.h"
#include "model/network/trunk.h"

namespace polyscene {

class SharedBottom : public Trunk {
 public:
  SharedBottom(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

  int64_t outputs() const override { return bottom_.outputs(); }
  torch::Tensor ForwardAll(const Weights& weights, const torch::Tensor& inputs) const override;
  std::vector<torch::Tensor> ForwardWanted(const Weights& weights, const torch::Tensor& inputs,
                                           absl::Span<const WantedTask> wanted) const override;

 private:
  const int64_t tasks_;
  const Mlp bottom_;
};

}  // namespace polyscene
