#include "model/balance/balance_figures.h"

#include <cmath>

namespace polyscene {

std::optional<GradientPair> WorstPair(const GradientFigures& figures) {
  std::optional<GradientPair> worst;
  const size_t count = figures.norms.size();
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = i + 1; j < count; ++j) {
      const double cosine = figures.cosines[i * count + j];
      if (std::isnan(cosine) || (worst.has_value() && cosine >= worst->cosine)) continue;
      worst = GradientPair{static_cast<int>(i), static_cast<int>(j), cosine};
    }
  }
  return worst;
}

}  // namespace polyscene
