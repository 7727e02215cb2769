#include "model/network/shared_bottom.h"

#include <torch/torch.h>

#include "model/network/wanted.h"

namespace polyscene {

SharedBottomNetwork::SharedBottomNetwork(const ModelSpec& spec, int64_t input_width)
    : adaptation_(layout_, spec, input_width),
      bottom_(layout_, "bottom", adaptation_.outputs(),
              {spec.file().network().shared_bottom().hidden().begin(),
               spec.file().network().shared_bottom().hidden().end()},
              ParameterAxis::kInputs),
      towers_(layout_, spec, bottom_.outputs()),
      task_count_(spec.tasks().size()) {}

std::vector<torch::Tensor> SharedBottomNetwork::Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                                        const torch::Tensor& scenes,
                                                        absl::Span<const WantedTask> wanted) const {
  const torch::Tensor shared = bottom_.Forward(parameters, adaptation_.Forward(parameters, inputs, scenes));
  if (WantsEverything(wanted, task_count_)) {
    return towers_.ForwardAll(parameters, shared.unsqueeze(0).expand({static_cast<int64_t>(task_count_), -1, -1}));
  }
  std::vector<torch::Tensor> logits;
  for (const WantedTask& want : wanted) {
    logits.push_back(towers_.ForwardOne(parameters, want.task, SelectRows(shared, want)));
  }
  return logits;
}

}  // namespace polyscene
