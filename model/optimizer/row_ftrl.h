// Follow the regularized leader, on the rows that a step touches.
#pragma once

#include "model/optimizer/row_optimizer.h"

namespace polyscene {

// FTRL-Proximal (McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013) per value, its l1 on the
// whole row as in Yang et al., "Online Learning for Group Lasso", ICML 2010: with n the sums of squared gradients,
//   z += g - (sqrt(n + g^2) - sqrt(n)) / alpha x w,   n += g^2,
//   w = -max(0, 1 - l1 x sqrt(dimension) / |z|) x z / ((beta + sqrt(n)) / alpha + l2).
// State of a row: z [dimension], n [dimension]. Where both are zero the value is one that no step met (or that another
// optimizer learned), and z begins as -w x (beta / alpha + l2), which without l1 gives w back.
class RowFtrl : public RowOptimizer {
 public:
  explicit RowFtrl(const v1::RowFtrl& options);

  void Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
            const torch::Tensor& gradients) const override;

 private:
  const double alpha_;
  const double beta_;
  const double l1_;
  const double l2_;
};

}  // namespace polyscene
