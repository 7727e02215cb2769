// Multi-gate mixture of experts: experts shared by all scenes and tasks, mixed by a gate per task.
// Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts", KDD 2018.
#pragma once

#include "model/network/mlp.h"
#include "model/network/network.h"
#include "model/network/scene_adaptation.h"
#include "model/network/towers.h"

namespace polyscene {

class MmoeNetwork : public Network {
 public:
  MmoeNetwork(const ModelSpec& spec, int64_t input_width);

  std::vector<torch::Tensor> Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                     const torch::Tensor& scenes, absl::Span<const WantedTask> wanted) const override;

 private:
  // [rows, inputs] -> [rows, experts, width]
  torch::Tensor Experts(const Parameters& parameters, const torch::Tensor& inputs) const;

  const SceneAdaptation adaptation_;
  const int64_t experts_;
  const int64_t tasks_;
  const int64_t first_width_;
  const int first_weight_;  // [inputs, experts x first width]: the first layers of all experts in one product.
  const int first_bias_;    // [experts x first width]
  const StackedMlp later_layers_;
  const int gate_weight_;  // [inputs, tasks x experts]
  const int gate_bias_;    // [tasks x experts]
  const Towers towers_;
};

}  // namespace polyscene
