#include "model/loss/platt_scaling.h"

#include <algorithm>
#include <cmath>

namespace polyscene {
namespace {

constexpr double kLeastCurvature = 1e-4;  // Sure scores would otherwise say nothing of where a and b are, and b leap.
constexpr double kPrior = 1;              // The curvature of four rows at p = 1/2.
constexpr double kLeastA = 0.1;
constexpr double kMostA = 10;
constexpr double kMostB = 10;

}  // namespace

void PlattScaling::Fit(absl::Span<const Row> rows, double half_life_rows) {
  const auto counted = std::count_if(rows.begin(), rows.end(), [](const Row& row) { return row.weight > 0; });
  const double kept = std::exp2(-static_cast<double>(counted) / half_life_rows);
  for (double* sum : {&sums_.zz, &sums_.z, &sums_.one, &sums_.z_target, &sums_.target}) *sum *= kept;
  for (const Row& row : rows) {
    if (std::isnan(row.logit) || !std::isfinite(row.weight)) continue;
    const double z = std::clamp<double>(row.logit, -kMostLogit, kMostLogit);
    const double calibrated = a_ * z + b_;
    const double p = 1 / (1 + std::exp(-calibrated));
    const double curvature = row.weight * std::max(p * (1 - p), kLeastCurvature);
    const double target = curvature * calibrated - row.weight * (p - (row.positive ? 1 : 0));
    sums_.zz += curvature * z * z;
    sums_.z += curvature * z;
    sums_.one += curvature;
    sums_.z_target += z * target;
    sums_.target += target;
  }
  Solve();
}

void PlattScaling::Solve() {
  const double zz = sums_.zz + kPrior;
  const double one = sums_.one + kPrior;
  const double determinant = zz * one - sums_.z * sums_.z;
  // Rows that were taken back may have faded less than they had when they were fitted.
  if (!(zz > 0 && one > 0 && determinant > 0)) return;
  const double z_target = sums_.z_target + kPrior;  // The prior's a is 1, its b 0.
  a_ = std::clamp((z_target * one - sums_.target * sums_.z) / determinant, kLeastA, kMostA);
  // The best b for that a, which may not be the one it was solved for.
  b_ = std::clamp((sums_.target - sums_.z * a_) / one, -kMostB, kMostB);
}

PlattScaling::State PlattScaling::state() const {
  return {a_, b_, sums_.zz, sums_.z, sums_.one, sums_.z_target, sums_.target};
}

void PlattScaling::Restore(const State& state) {
  a_ = state[0];
  b_ = state[1];
  sums_ = {state[2], state[3], state[4], state[5], state[6]};
}

}  // namespace polyscene
