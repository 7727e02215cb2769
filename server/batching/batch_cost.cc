#include "server/batching/batch_cost.h"

#include <algorithm>
#include <cmath>

namespace polyscene {
namespace {

// The last 200 batches or so count: a fraction of a second under load, so that a change of cost (another model, the
// trainer on the same cores) is followed at once, and enough that one slow batch moves little.
constexpr double kFade = 0.995;

// A batch counts as at most so many times what it should have cost, once kKnownBatches were seen. A change that is
// larger is still followed, a few per cent a batch.
constexpr double kMostOfExpected = 4;
constexpr double kKnownBatches = 5;

constexpr double kPriorBatches = 0.05;  // What kRowsOfFixed weighs beside the measured batches.

}  // namespace

void BatchCost::Observe(int64_t rows, absl::Duration took) {
  double seconds = absl::ToDoubleSeconds(took);
  if (!(seconds > 0)) return;
  const double expected = fixed_ + per_row_ * static_cast<double>(rows);
  if (count_ > kKnownBatches) seconds = std::min(seconds, kMostOfExpected * expected);
  const double x = static_cast<double>(rows) / kRowsOfFixed;
  const double weight = 1 / ((1 + x) * (1 + x));
  const auto add = [](double& sum, double more) { sum = kFade * sum + more; };
  add(count_, 1);
  add(w_, weight);
  add(wx_, weight * x);
  add(wxx_, weight * x * x);
  add(wy_, weight * seconds);
  add(wxy_, weight * x * seconds);
  Fit();
}

void BatchCost::Fit() {
  // Minimizes sum w (y - a - b x)^2 + kPriorBatches (a - b)^2 over the fixed cost a and the cost b of kRowsOfFixed
  // rows.
  const double aa = w_ + kPriorBatches;
  const double ab = wx_ - kPriorBatches;
  const double bb = wxx_ + kPriorBatches;
  const double determinant = aa * bb - ab * ab;
  double a = (bb * wy_ - ab * wxy_) / determinant;
  double b = (aa * wxy_ - ab * wy_) / determinant;
  // Noise may make either negative: then the other one alone explains the batches.
  if (a < 0) {
    a = 0;
    b = wxy_ / wxx_;
  } else if (b < 0) {
    a = wy_ / w_;
    b = 0;
  }
  fixed_ = a;
  per_row_ = b / kRowsOfFixed;
}

int64_t BatchCost::RowLimit(int64_t min, int64_t max) const {
  const double rows_of_fixed = count_ == 0 ? kRowsOfFixed : fixed_ / per_row_;  // Infinite where rows cost nothing.
  const double rows = std::ceil((1 - kFixedShare) / kFixedShare * rows_of_fixed);
  max = std::max<int64_t>(1, max);
  min = std::clamp<int64_t>(min, 1, max);
  return static_cast<int64_t>(std::clamp(rows, static_cast<double>(min), static_cast<double>(max)));
}

absl::Duration BatchCost::Backlog(int64_t rows, int64_t batch_rows, int workers) const {
  const double batches = std::ceil(static_cast<double>(rows) / static_cast<double>(batch_rows));
  return absl::Seconds((fixed_ * batches + per_row_ * static_cast<double>(rows)) / workers);
}

}  // namespace polyscene
