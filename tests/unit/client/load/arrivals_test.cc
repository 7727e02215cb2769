#include "client/load/arrivals.h"

#include <cmath>

#include "gtest/gtest.h"

namespace polyscene::load {
namespace {

TEST(ArrivalsTest, UniformOnesAreEquallyFarApartHoweverManyThereWere) {
  Arrivals arrivals(Arrivals::Kind::kUniform, 3, 1);
  absl::Duration last;
  for (int i = 0; i < 3'000'000; ++i) last = arrivals.Next();
  EXPECT_EQ(last, absl::Seconds(1'000'000));
}

TEST(ArrivalsTest, GapsOfAPoissonProcessHaveTheMeanAndTheDeviationOfAnExponential) {
  Arrivals arrivals(Arrivals::Kind::kPoisson, 200, 1);
  constexpr int kCount = 100'000;
  double sum = 0, squares = 0, before = 0;
  for (int i = 0; i < kCount; ++i) {
    const double at = absl::ToDoubleSeconds(arrivals.Next());
    ASSERT_GE(at, before);
    sum += at - before;
    squares += (at - before) * (at - before);
    before = at;
  }
  const double mean = sum / kCount;
  EXPECT_NEAR(mean, 1.0 / 200, 1e-4);
  EXPECT_NEAR(std::sqrt(squares / kCount - mean * mean), 1.0 / 200, 1e-4);
}

TEST(ArrivalsTest, TheSameSeedGivesTheSameTimes) {
  Arrivals one(Arrivals::Kind::kPoisson, 10, 5), two(Arrivals::Kind::kPoisson, 10, 5),
      other(Arrivals::Kind::kPoisson, 10, 6);
  const absl::Duration first = one.Next();
  EXPECT_EQ(first, two.Next());
  EXPECT_NE(first, other.Next());
}

}  // namespace
}  // namespace polyscene::load
