// How losses are weighed against each other.
#include "model/spec/checks.h"

namespace polyscene {
namespace {

constexpr int64_t kMaxSteps = 1'000'000'000;  // Only bounds a slip.

void CheckSteps(const Place& place, absl::string_view field, int64_t steps, Mistakes& mistakes) {
  if (steps != 0) CheckInteger(place, field, steps, 1, kMaxSteps, mistakes);
}

}  // namespace

void CheckLossBalance(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  const v1::LossBalance& balance = file.loss_balance();
  const Place here = place.Field("loss_balance");
  switch (balance.kind_case()) {
    case v1::LossBalance::kUncertainty:
      CheckNumber(here.Field("uncertainty"), "learning_rate", balance.uncertainty().learning_rate(), {}, mistakes);
      break;
    case v1::LossBalance::kGradNorm: {
      const Place grad_norm = here.Field("grad_norm");
      CheckNumber(grad_norm, "alpha", balance.grad_norm().alpha(), {}, mistakes);
      CheckNumber(grad_norm, "learning_rate", balance.grad_norm().learning_rate(), {}, mistakes);
      CheckSteps(grad_norm, "every_steps", balance.grad_norm().every_steps(), mistakes);
      break;
    }
    case v1::LossBalance::kDynamicWeightAverage: {
      const Place average = here.Field("dynamic_weight_average");
      CheckNumber(average, "temperature", balance.dynamic_weight_average().temperature(), {}, mistakes);
      CheckSteps(average, "span_steps", balance.dynamic_weight_average().span_steps(), mistakes);
      break;
    }
    case v1::LossBalance::kFixed:
    case v1::LossBalance::KIND_NOT_SET:
      break;
  }
}

}  // namespace polyscene
