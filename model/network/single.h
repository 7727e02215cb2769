// A network for each scene and task of the model file, which share nothing but what their inputs are made of: the
// control that sharing has to beat.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/network/interaction.h"
#include "model/network/linear.h"
#include "model/network/mlp.h"
#include "model/network/network.h"

namespace polyscene {

// All of a pair's layers are its task's own, so they are named as towers and heads are:
// "tower.<scene>/<task>.0.weight", "head.<scene>/<task>.weight".
class SingleNetwork : public Network {
 public:
  SingleNetwork(const ModelSpec& spec, int64_t input_width);

  // Each pair computes the rows of its scene alone. Rows whose scene has no such task get logits of 0.
  std::vector<torch::Tensor> Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                     absl::Span<const int32_t> scenes,
                                     absl::Span<const WantedTask> wanted) const override;

 private:
  struct Pair {
    Pair(ParameterLayout& layout, const ModelSpec& spec, const std::string& name, int64_t inputs, int64_t outputs);
    torch::Tensor Forward(const Weights& weights, const torch::Tensor& inputs) const;

    const std::unique_ptr<Interaction> interaction;
    const Mlp hidden;  // The network's widths, then the tower's.
    const Linear head;
  };

  std::vector<std::vector<std::unique_ptr<Pair>>> pairs_;  // [scenes][towers]; null where the scene has no such task.
  std::vector<int64_t> outputs_;                           // [towers]
};

}  // namespace polyscene
