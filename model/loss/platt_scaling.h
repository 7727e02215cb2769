// A binary task's scores in one scene, kept true while they drift: Calibration.platt in model.proto. No LibTorch.
#pragma once

#include <array>
#include <cstdint>

#include "absl/types/span.h"

namespace polyscene {

// sigmoid(a z + b), z the network's logit. a and b are where the log loss of the rows seen is least, each row by its
// square (the quadratic that touches its loss where a and b were then) and the older the less; what was learned is five
// sums that fade. A weak prior, of some rows, holds them at 1 and 0. Never non-finite.
//
// Deterministic: a function of the rows and steps they came in.
class PlattScaling {
 public:
  struct Row {
    float logit = 0;
    bool positive = false;
    float weight = 1;  // Below 0: takes back what was fitted (corrections).
  };

  // Logits count as within +- this, where they are fitted and where they are calibrated; as evaluation takes them.
  static constexpr double kMostLogit = 16;

  double a() const { return a_; }
  double b() const { return b_; }

  // Takes the rows of a step. half_life_rows: rows until what they said counts half. A logit that is no number is
  // passed over.
  void Fit(absl::Span<const Row> rows, double half_life_rows);

  // All it remembers, to be saved and restored: a, b and the sums.
  using State = std::array<double, 7>;
  State state() const;
  void Restore(const State& state);

 private:
  // The normal equations of a and b: [zz z; z one] [a; b] = [z_target; target].
  struct Sums {
    double zz = 0;
    double z = 0;
    double one = 0;
    double z_target = 0;
    double target = 0;
  };

  void Solve();

  double a_ = 1;
  double b_ = 0;
  Sums sums_;
};

}  // namespace polyscene
