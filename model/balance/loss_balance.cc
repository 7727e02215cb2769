#include "model/balance/loss_balance.h"

#include "model/balance/dynamic_weight_average.h"
#include "model/balance/fixed_weights.h"
#include "model/balance/grad_norm.h"
#include "model/balance/uncertainty_weights.h"

namespace polyscene {

std::unique_ptr<LossBalance> CreateLossBalance(const ModelSpec& spec) {
  const v1::LossBalance& balance = spec.file().loss_balance();
  const size_t tasks = spec.tasks().size();
  switch (balance.kind_case()) {
    case v1::LossBalance::kUncertainty:
      return std::make_unique<UncertaintyWeights>(balance.uncertainty(), LikelihoodFactors(spec.tasks()));
    case v1::LossBalance::kGradNorm:
      return std::make_unique<GradNorm>(balance.grad_norm(), tasks);
    case v1::LossBalance::kDynamicWeightAverage:
      return std::make_unique<DynamicWeightAverage>(balance.dynamic_weight_average(), tasks);
    case v1::LossBalance::kFixed:
    case v1::LossBalance::KIND_NOT_SET:
      break;
  }
  return std::make_unique<FixedWeights>(tasks);
}

}  // namespace polyscene
