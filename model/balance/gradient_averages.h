// Exponential averages of gradients' norms and cosines.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/balance/balance_figures.h"
#include "model/balance/gradient_products.h"

namespace polyscene {

// Threads: one, the trainer.
class GradientAverages {
 public:
  explicit GradientAverages(int count);

  // A measurement of some of them: products.count() indexes. What is not finite is left out.
  void Add(absl::Span<const int> which, const GradientProducts& products);

  GradientFigures figures() const { return figures_; }
  bool empty() const;  // Nothing was measured yet.

  // As part of a checkpoint. places: where each gradient of the state has its place here, -1 for none. kDataLoss: not
  // of as many gradients as places.
  std::string Serialize() const;
  absl::Status Restore(absl::string_view bytes, absl::Span<const int> places);

 private:
  GradientFigures figures_;
  std::vector<double> norm_counts_;    // Measurements of each norm,
  std::vector<double> cosine_counts_;  // and of each cosine.
};

}  // namespace polyscene
