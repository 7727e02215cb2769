// Progressive layered extraction: layers in which each task has experts of its own beside those that all share.
// Tang et al., "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning (MTL) Model for Personalized
// Recommendations", RecSys 2020.
#pragma once

#include "model/network/experts.h"
#include "model/network/mlp.h"
#include "model/network/trunk.h"

namespace polyscene {

// One of its layers, the paper's customized gate control: what each task reads next is a mix of its own experts and the
// shared ones. In all but the last layer a further gate mixes every expert, for the next layer's shared experts.
class CgcLayer {
 public:
  CgcLayer(ParameterLayout& layout, int number, const v1::Network& network, int64_t tasks, int64_t inputs);

  // What goes from one layer to the next.
  struct Streams {
    torch::Tensor tasks;   // [tasks, rows, width]
    torch::Tensor shared;  // [rows, width]; undefined behind the last layer.
  };
  Streams ForwardAll(const Weights& weights, const Streams& inputs) const;

  // The wanted tasks alone, [n, width] each; for the last layer, because the others' shared gates read every task.
  std::vector<torch::Tensor> ForwardWanted(const Weights& weights, const Streams& inputs,
                                           absl::Span<const WantedTask> wanted) const;

  int64_t outputs() const { return shared_.outputs(); }

 private:
  torch::Tensor SharedStream(const Weights& weights, const torch::Tensor& inputs, const torch::Tensor& shared,
                             const torch::Tensor& own) const;

  const int64_t tasks_;
  const int64_t shared_count_;
  const int64_t task_count_;  // Experts of one task.
  const Experts shared_;
  const StackedMlp task_experts_;  // tasks x task_count_
  const StackedLinear gates_;      // A task's own experts first, then the shared ones.
  Linear shared_gate_to_tasks_;    // To tasks x task_count_ and to the shared ones: two matrices, so that each keeps
  Linear shared_gate_to_shared_;   // its places when tasks come and go.
};

class Ple : public Trunk {
 public:
  Ple(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

  int64_t outputs() const override { return layers_.back().outputs(); }
  torch::Tensor ForwardAll(const Weights& weights, const torch::Tensor& inputs) const override;
  // Of tasks that are not wanted the last layer costs nothing; the layers before it cost all of theirs, because their
  // shared gates mix the experts of every task.
  std::vector<torch::Tensor> ForwardWanted(const Weights& weights, const torch::Tensor& inputs,
                                           absl::Span<const WantedTask> wanted) const override;

 private:
  CgcLayer::Streams BeforeLast(const Weights& weights, const torch::Tensor& inputs) const;

  const int64_t tasks_;
  std::vector<CgcLayer> layers_;
};

}  // namespace polyscene
