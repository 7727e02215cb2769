#include "model/loss/calibrated_logits.h"

#include <torch/torch.h>

#include <vector>

namespace polyscene {

torch::Tensor CalibratedLogits(const ModelSpec& spec, const Calibrations& calibrations, const WantedTask& want,
                               absl::Span<const int32_t> scenes, const torch::Tensor& logits) {
  if (spec.tasks()[want.task].platt_half_life <= 0) return logits;
  const int64_t rows = logits.size(0);
  const int64_t* numbers = want.rows.defined() ? want.rows.data_ptr<int64_t>() : nullptr;
  std::vector<float> a;
  std::vector<float> b;
  for (int64_t i = 0; i < rows; ++i) {
    const int scene = scenes[numbers == nullptr ? i : numbers[i]];
    // A row may be there for other tasks than its scene's; nobody reads its score then.
    const PlattScaling& platt = calibrations.At(scene, want.task);
    a.push_back(static_cast<float>(platt.a()));
    b.push_back(static_cast<float>(platt.b()));
  }
  const auto column = [&](const std::vector<float>& values) {
    return torch::tensor(values, torch::kFloat32).view({rows, 1}).to(logits.device());
  };
  return logits.clamp(-PlattScaling::kMostLogit, PlattScaling::kMostLogit) * column(a) + column(b);
}

}  // namespace polyscene
