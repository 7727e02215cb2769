#include "model/loss/served_values.h"

#include <algorithm>
#include <cmath>

namespace polyscene {
namespace {

void Softmax(int outputs, float* values) {
  const float most = *std::max_element(values, values + outputs);
  float sum = 0;
  for (int i = 0; i < outputs; ++i) sum += values[i] = std::exp(values[i] - most);
  for (int i = 0; i < outputs; ++i) values[i] /= sum;
}

}  // namespace

void CalibrateLogits(const PlattScaling& platt, int64_t count, float* logits) {
  const auto a = static_cast<float>(platt.a());
  const auto b = static_cast<float>(platt.b());
  constexpr auto kMost = static_cast<float>(PlattScaling::kMostLogit);
  for (int64_t i = 0; i < count; ++i) logits[i] = std::clamp(logits[i], -kMost, kMost) * a + b;
}

void ToServedValues(const TaskSpec& task, const LabelScale& scale, int64_t rows, float* values) {
  const int64_t count = rows * task.outputs;
  switch (task.kind) {
    case TaskSpec::Kind::kBinary:
      for (int64_t i = 0; i < count; ++i) values[i] = 1.0f / (1.0f + std::exp(-values[i]));
      return;
    case TaskSpec::Kind::kMultiClass:
      for (int64_t r = 0; r < rows; ++r) Softmax(task.outputs, values + r * task.outputs);
      return;
    case TaskSpec::Kind::kRegression:
    case TaskSpec::Kind::kForecast:
      break;
  }
  const float factor = static_cast<float>(scale.scale);
  const float center = static_cast<float>(scale.center);
  for (int64_t i = 0; i < count; ++i) {
    float& value = values[i];
    value = task.poisson ? std::exp(std::min(value, static_cast<float>(kMostPoissonLogit))) : value * factor + center;
    if (task.log1p) value = std::max(0.0f, std::expm1(value));  // No label of such a task is below 0.
  }
}

}  // namespace polyscene
