// Follow the regularized leader, on the rows that a step touches.
#pragma once

#include "model/optimizer/row_optimizer.h"

namespace polyscene {

// FTRL-Proximal (McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013) per value, its l1 on the
// whole row as in Yang et al., "Online Learning for Group Lasso", ICML 2010: with n the sums of squared gradients,
//   z += g - (sqrt(n + g^2) - sqrt(n)) / alpha x w,   n += g^2,
//   w = -max(0, 1 - l1 x sqrt(dimension) / |z|) x z / ((beta + sqrt(n)) / alpha + l2).
// State of a row: z [dimension], n [dimension]. A row that is not zero has its z in its values and n, and from them it
// is taken: so rates and penalties may change between runs, and the row goes on from where it is. A row whose state is
// all zero is one that no step met (or that another optimizer learned): its z begins as -w x beta / alpha, the leader
// that has w without penalties. The row's l1 shrinks exactly where the row's n are alike, as with Yang's one rate a
// group.
class RowFtrl : public RowOptimizer {
 public:
  explicit RowFtrl(const v1::RowFtrl& options);

  void Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
            const torch::Tensor& gradients) const override;

 private:
  // The z of rows [n, dimension] with their state [n, 2 x dimension].
  torch::Tensor Leaders(const torch::Tensor& values, const torch::Tensor& state) const;

  const double alpha_;
  const double beta_;
  const double l1_;
  const double l2_;
};

}  // namespace polyscene
