#include "client/simulator/random.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene::simulator {
namespace {

TEST(RandomTest, MixIsSplitMix64sFinalizer) {
  // The first outputs of SplitMix64 seeded with 1234567, as its authors' program prints them.
  constexpr uint64_t kStep = 0x9E3779B97F4A7C15u;
  EXPECT_EQ(Mix(1234567 + kStep), 6457827717110365317u);
  EXPECT_EQ(Mix(1234567 + 2 * kStep), 3203168211198807973u);
  EXPECT_EQ(Mix(1234567 + 3 * kStep), 9817491932198370423u);
}

TEST(RandomTest, ASeedAndAStreamDecideEverything) {
  Random one(7, 1), same(7, 1), other_seed(8, 1), other_stream(7, 2);
  const uint64_t first = one.Next();
  EXPECT_EQ(first, same.Next());
  EXPECT_NE(first, other_seed.Next());
  EXPECT_NE(first, other_stream.Next());
}

TEST(RandomTest, DrawsHaveTheMomentsTheyShould) {
  constexpr int kDraws = 200'000;
  Random random(1, 1);
  double uniform = 0, normal = 0, normal_squared = 0, exponential = 0, few = 0, many = 0;
  for (int i = 0; i < kDraws; ++i) {
    uniform += random.Uniform();
    const double x = random.Normal();
    normal += x;
    normal_squared += x * x;
    exponential += random.Exponential(3);
    few += random.Poisson(2.5);
    many += random.Poisson(80);
  }
  // Each bound is more than four deviations of the mean over kDraws.
  EXPECT_NEAR(uniform / kDraws, 0.5, 0.003);
  EXPECT_NEAR(normal / kDraws, 0, 0.01);
  EXPECT_NEAR(normal_squared / kDraws, 1, 0.015);
  EXPECT_NEAR(exponential / kDraws, 3, 0.03);
  EXPECT_NEAR(few / kDraws, 2.5, 0.015);
  EXPECT_NEAR(many / kDraws, 80, 0.09);
}

TEST(RandomTest, BelowReachesEveryNumberAndNoOther) {
  Random random(1, 1);
  std::vector<int> counts(3);
  for (int i = 0; i < 30'000; ++i) ++counts.at(random.Below(3));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 400);
}

TEST(WeightedChoiceTest, DrawsInProportionToTheWeights) {
  const WeightedChoice choice({1, 0, 3, 6});
  Random random(1, 1);
  std::vector<int> counts(4);
  for (int i = 0; i < 100'000; ++i) ++counts.at(choice.Draw(random));
  EXPECT_NEAR(counts[0], 10'000, 500);
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[2], 30'000, 800);
  EXPECT_NEAR(counts[3], 60'000, 800);
}

}  // namespace
}  // namespace polyscene::simulator
