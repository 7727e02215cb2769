// What the metrics' names mean to whoever compares values of them.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace polyscene {

// The order that people look for them in; "ndcg@10" and the like are there without what follows the "@".
absl::Span<const absl::string_view> MetricOrder();

// Whether `a` is the better value: the larger of auc and the like, the smaller of losses and errors, of calibration the
// one nearer to 1 by ratio. False where they are equal, one is NaN, or nobody said which way the metric is good.
bool IsBetter(absl::string_view metric, double a, double b);

}  // namespace polyscene
