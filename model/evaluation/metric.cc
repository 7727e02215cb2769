#include "model/evaluation/metric.h"

#include <algorithm>
#include <cmath>

namespace polyscene {
namespace {

constexpr absl::string_view kOrder[] = {
    "auc", "best_auc", "gauc", "ndcg",    "mrr",      "accuracy",    "log_loss",         "normalized_entropy",
    "mse", "mae",      "r2",   "pinball", "coverage", "calibration", "calibration_error"};
constexpr absl::string_view kLargerIsBetter[] = {"auc", "gauc", "ndcg", "mrr", "accuracy", "r2"};
constexpr absl::string_view kSmallerIsBetter[] = {"log_loss", "normalized_entropy", "mse", "mae",
                                                  "pinball",  "calibration_error"};

template <size_t n>
bool Has(const absl::string_view (&names)[n], absl::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

absl::Span<const absl::string_view> MetricOrder() { return kOrder; }

bool IsBetter(absl::string_view metric, double a, double b) {
  const absl::string_view name = metric.substr(0, metric.find('@'));
  if (Has(kLargerIsBetter, name)) return a > b;
  if (Has(kSmallerIsBetter, name)) return a < b;
  // log(0) is the worst there is, and below 0 there is no logarithm: NaN, which is never less.
  if (name == "calibration") return std::abs(std::log(a)) < std::abs(std::log(b));
  return false;
}

}  // namespace polyscene
