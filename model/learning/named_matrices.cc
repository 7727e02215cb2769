// A learner's dense weights for whoever looks at them.
#include <torch/torch.h>

#include "model/learning/torch_learner.h"
#include "model/tensor/catch_torch.h"

namespace polyscene {

absl::StatusOr<std::vector<NamedMatrix>> TorchLearner::Matrices() const {
  return CatchTorch("matrices", [&] {
    const torch::NoGradGuard no_grad;
    const torch::Tensor weights = parameters_.flat.detach().to(torch::kCPU);
    const torch::Tensor gradients = parameters_.flat_gradient.detach().to(torch::kCPU);
    std::vector<NamedMatrix> matrices;
    for (const ParameterSpec& spec : network_->layout().specs()) {
      const auto part = [&spec](const torch::Tensor& flat) {
        const float* first = flat.data_ptr<float>() + spec.offset;
        return std::vector<float>(first, first + spec.count);
      };
      matrices.push_back({spec.name, part(weights), part(gradients)});
    }
    return matrices;
  });
}

}  // namespace polyscene
