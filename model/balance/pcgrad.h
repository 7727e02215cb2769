// Gradient surgery: Yu et al., "Gradient Surgery for Multi-Task Learning", NeurIPS 2020 (PCGrad).
#pragma once

#include <cstdint>
#include <vector>

#include "model/balance/gradient_products.h"

namespace polyscene {

// Each gradient in turn meets the others, in an order of its own: where it points against one (as it now is, the other
// as it was), it loses its part along that one. Whatever comes of it is a sum of the gradients as they were, so only
// their inner products are needed, and the joint update is the sum of factor x gradient. Returns the factors: [count],
// 1 each where nothing conflicts.
//
// The orders are a function of `seed` and `step`, so that a replay projects as the first time.
std::vector<double> ProjectConflicts(const GradientProducts& products, uint64_t seed, uint64_t step);

}  // namespace polyscene
