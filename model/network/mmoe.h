// Multi-gate mixture of experts: experts shared by all scenes and tasks, mixed by a gate per task.
// Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts", KDD 2018.
#pragma once

#include "model/network/experts.h"
#include "model/network/trunk.h"

namespace polyscene {

class Mmoe : public Trunk {
 public:
  Mmoe(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

  int64_t outputs() const override { return experts_.outputs(); }
  torch::Tensor ForwardAll(const Weights& weights, const torch::Tensor& inputs) const override;
  std::vector<torch::Tensor> ForwardWanted(const Weights& weights, const torch::Tensor& inputs,
                                           absl::Span<const WantedTask> wanted) const override;

 private:
  const int64_t tasks_;
  const int64_t expert_count_;
  const Experts experts_;
  const Linear gates_;  // To tasks x experts.
};

}  // namespace polyscene
