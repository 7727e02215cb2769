// Dynamic weight averaging against its formula.
#include "model/balance/dynamic_weight_average.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace polyscene {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

class DynamicWeightAverageTest : public testing::Test {
 protected:
  static DynamicWeightAverage Make(double temperature) {
    v1::DynamicWeightAverage options;
    options.set_temperature(temperature);
    options.set_span_steps(2);
    return DynamicWeightAverage(options, 2);
  }
  void Learn(double first, double second) { balance_.Update(++step_, {first, second}, {}); }

  DynamicWeightAverage balance_ = Make(2);
  uint64_t step_ = 0;
};

TEST_F(DynamicWeightAverageTest, WeighsTheTaskThatFallsSlowerMore) {
  Learn(4, 3);
  Learn(4, 5);
  EXPECT_THAT(balance_.Weights(), ElementsAre(1, 1));  // One span tells nothing of speed.
  Learn(3, 4);
  Learn(1, 4);
  // Means 4 -> 2 and 4 -> 4: 2 x softmax(0.5 / 2, 1 / 2).
  const double first = std::exp(0.25);
  const double second = std::exp(0.5);
  EXPECT_THAT(balance_.Weights(), ElementsAre(DoubleNear(2 * first / (first + second), 1e-12),
                                              DoubleNear(2 * second / (first + second), 1e-12)));
}

TEST_F(DynamicWeightAverageTest, ASpanWithoutLabelsTellsNothingOfTheTask) {
  for (int span = 0; span < 2; ++span) {
    Learn(4.0 / (span + 1), 4);
    Learn(4.0 / (span + 1), 4);
  }
  const std::vector<double> before = balance_.Weights();
  Learn(kNone, 4);
  Learn(kNone, 4);
  EXPECT_EQ(balance_.Weights(), before);
  Learn(kNone, 4);
  Learn(1, 4);  // From 2 to 1, as from 4 to 2 before.
  EXPECT_EQ(balance_.Weights(), before);
}

TEST_F(DynamicWeightAverageTest, ALossThatExplodesDoesNotMakeAWeightInfinite) {
  for (const double loss : {1e-6, 1e-6, 1e12, 1e12}) Learn(loss, 1);
  EXPECT_THAT(balance_.Weights(), ElementsAre(DoubleNear(2, 1e-6), DoubleNear(0, 1e-6)));
}

}  // namespace
}  // namespace polyscene
