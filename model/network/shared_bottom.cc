#include "model/network/shared_bottom.h"

#include <torch/torch.h>

namespace polyscene {

SharedBottom::SharedBottom(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs)
    : tasks_(static_cast<int64_t>(spec.towers().size())),
      bottom_(layout, "bottom", inputs,
              {spec.file().network().shared_bottom().hidden().begin(),
               spec.file().network().shared_bottom().hidden().end()},
              SkipOf(spec.file().network()), ParameterAxis::kInputs) {}

torch::Tensor SharedBottom::ForwardAll(const Weights& weights, const torch::Tensor& inputs) const {
  return bottom_.Forward(weights, inputs).unsqueeze(0).expand({tasks_, -1, -1});
}

std::vector<torch::Tensor> SharedBottom::ForwardWanted(const Weights& weights, const torch::Tensor& inputs,
                                                       absl::Span<const WantedTask> wanted) const {
  const torch::Tensor shared = bottom_.Forward(weights, inputs);
  std::vector<torch::Tensor> outputs;
  for (const WantedTask& want : wanted) outputs.push_back(SelectRows(shared, want));
  return outputs;
}

}  // namespace polyscene
