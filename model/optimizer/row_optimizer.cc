#include "model/optimizer/row_optimizer.h"

#include "model/optimizer/row_adagrad.h"
#include "model/optimizer/row_adam.h"
#include "model/optimizer/row_ftrl.h"

namespace polyscene {

std::unique_ptr<const RowOptimizer> CreateRowOptimizer(const v1::RowOptimizer& options) {
  switch (options.kind_case()) {
    case v1::RowOptimizer::kFtrl:
      return std::make_unique<RowFtrl>(options.ftrl());
    case v1::RowOptimizer::kAdam:
      return std::make_unique<RowAdam>(options.adam());
    case v1::RowOptimizer::kAdagrad:
    case v1::RowOptimizer::KIND_NOT_SET:
      break;
  }
  return std::make_unique<RowAdagrad>(options.adagrad());
}

}  // namespace polyscene
