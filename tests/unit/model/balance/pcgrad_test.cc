// Gradient surgery on inner products against the same on vectors.
#include "model/balance/pcgrad.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "model/embedding/initial_row.h"

namespace polyscene {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

using Vector = std::vector<double>;

double Dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

GradientProducts ProductsOf(const std::vector<Vector>& gradients) {
  GradientProducts products(static_cast<int>(gradients.size()));
  for (int i = 0; i < products.count(); ++i) {
    for (int j = 0; j < products.count(); ++j) products.At(i, j) = Dot(gradients[i], gradients[j]);
  }
  return products;
}

Vector Sum(const std::vector<Vector>& gradients, const std::vector<double>& factors) {
  Vector sum(gradients[0].size());
  for (size_t g = 0; g < gradients.size(); ++g) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += factors[g] * gradients[g][i];
  }
  return sum;
}

TEST(PcgradTest, EachOfTwoLosesItsPartAlongTheOther) {
  const std::vector<Vector> gradients = {{1, 0}, {-1, 1}};
  const std::vector<double> factors = ProjectConflicts(ProductsOf(gradients), 1, 1);
  // (1, 0) + (-1, 1) / 2 = (0.5, 0.5); (-1, 1) + (1, 0) = (0, 1).
  EXPECT_THAT(factors, ElementsAre(DoubleNear(2, 1e-12), DoubleNear(1.5, 1e-12)));
  EXPECT_THAT(Sum(gradients, factors), ElementsAre(DoubleNear(0.5, 1e-12), DoubleNear(1.5, 1e-12)));
}

TEST(PcgradTest, WhatAgreesStays) {
  EXPECT_THAT(ProjectConflicts(ProductsOf({{1, 0}, {1, 1}, {0, 2}}), 1, 1), ElementsAre(1, 1, 1));
  EXPECT_THAT(ProjectConflicts(ProductsOf({{1, 0}, {0, 0}}), 1, 1), ElementsAre(1, 1));  // Of a zero gradient too.
}

// The paper's claim, its theorem 1 to first order: the update raises neither loss, where the plain sum would.
TEST(PcgradTest, OfTwoTheUpdateRaisesNeithersLoss) {
  uint64_t random = 5;
  int raised_by_the_sum = 0;
  for (int trial = 0; trial < 1'000; ++trial) {
    std::vector<Vector> gradients(2, Vector(4));
    for (Vector& gradient : gradients) {
      const double scale = trial % 3 == 0 ? 20 : 1;
      for (double& value : gradient) value = SignedUnit(SplitMix64(random));
      if (&gradient == &gradients[0]) {
        for (double& value : gradient) value *= scale;
      }
    }
    const Vector plain = Sum(gradients, {1, 1});
    const Vector update = Sum(gradients, ProjectConflicts(ProductsOf(gradients), 1, trial));
    for (const Vector& gradient : gradients) {
      raised_by_the_sum += Dot(plain, gradient) < 0;
      EXPECT_GE(Dot(update, gradient), -1e-9);
    }
  }
  EXPECT_GT(raised_by_the_sum, 100);
}

// Every way to order the others, on the vectors themselves.
std::vector<Vector> AllUpdates(const std::vector<Vector>& gradients) {
  std::vector<std::vector<Vector>> projected(gradients.size());  // By gradient, one an order.
  for (size_t i = 0; i < gradients.size(); ++i) {
    std::vector<size_t> others;
    for (size_t j = 0; j < gradients.size(); ++j) {
      if (j != i) others.push_back(j);
    }
    do {
      Vector gradient = gradients[i];
      for (const size_t j : others) {
        const double along = Dot(gradient, gradients[j]);
        if (along >= 0) continue;
        for (size_t k = 0; k < gradient.size(); ++k) {
          gradient[k] -= along / Dot(gradients[j], gradients[j]) * gradients[j][k];
        }
      }
      projected[i].push_back(gradient);
    } while (std::next_permutation(others.begin(), others.end()));
  }
  std::vector<Vector> updates;
  for (const Vector& a : projected[0]) {
    for (const Vector& b : projected[1]) {
      for (const Vector& c : projected[2]) updates.push_back(Sum({a, b, c}, {1, 1, 1}));
    }
  }
  return updates;
}

TEST(PcgradTest, OfThreeTheUpdateIsOneOfThoseOnVectorsAndTheOrderIsAFunctionOfSeedAndStep) {
  const std::vector<Vector> gradients = {{1, 0.2, 0}, {-1, 0.5, 0.3}, {-0.2, -1, 0.4}};
  const std::vector<Vector> expected = AllUpdates(gradients);
  std::set<std::vector<double>> met;
  for (uint64_t step = 1; step <= 100; ++step) {
    const std::vector<double> factors = ProjectConflicts(ProductsOf(gradients), 7, step);
    EXPECT_EQ(ProjectConflicts(ProductsOf(gradients), 7, step), factors);
    const Vector update = Sum(gradients, factors);
    EXPECT_TRUE(std::any_of(expected.begin(), expected.end(),
                            [&](const Vector& one) {
                              const Vector difference = Sum({one, update}, {1, -1});
                              return Dot(difference, difference) < 1e-18;
                            }))
        << "step " << step;
    met.insert(factors);
  }
  EXPECT_GT(met.size(), 3u);  // Orders differ from step to step.
  EXPECT_NE(ProjectConflicts(ProductsOf(gradients), 7, 1), ProjectConflicts(ProductsOf(gradients), 7, 2));
}

}  // namespace
}  // namespace polyscene
