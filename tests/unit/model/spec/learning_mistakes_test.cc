// Mistakes in network, optimizers and policy, each told at its place, which '^' marks.
#include <gmock/gmock.h>

#include "tests/unit/model/spec/model_text.h"

namespace polyscene {
namespace {

using Case = MistakeCase;

class LearningMistake : public testing::TestWithParam<Case> {};

TEST_P(LearningMistake, IsToldWhereItStands) {
  const Told told = Tell(Changed(GetParam().from, GetParam().to), GetParam().whats);
  EXPECT_EQ(told.got, told.want);
}

constexpr char kMmoe[] = "mmoe { experts: 2 hidden: [8, 4] }";
constexpr char kAdam[] = "adam { learning_rate: 0.01 }";
constexpr char kAdagrad[] = "adagrad { learning_rate: 0.1 }";

INSTANTIATE_TEST_SUITE_P(
    Model, LearningMistake,
    testing::Values(Case{"NoName", "name: \"shop\"\n", "^\n",
                         "the model has no name, expected name: \"...\", for people"},
                    Case{"NoNetwork", "network { mmoe { experts: 2 hidden: [8, 4] } tower: [4] }", "^network { }",
                         "the model has no network, expected network { shared_bottom { } } or network { mmoe { } }"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    Network, LearningMistake,
    testing::Values(Case{"OneExpert", "experts: 2", "^experts: 1", "experts is 1, expected 2 to 64"},
                    Case{"TooManyExperts", "experts: 2", "^experts: 65", "experts is 65, expected 2 to 64"},
                    Case{"MmoeWithoutLayers", kMmoe, "^mmoe { experts: 2 }",
                         "no hidden layers, expected the width of at least one"},
                    Case{"SharedBottomWithoutLayers", kMmoe, "^shared_bottom { }",
                         "no hidden layers, expected the width of at least one"},
                    Case{"NoWidth", "hidden: [8, 4]", "hidden: [8, ^0]", "hidden has width 0, expected 1 to 16384"},
                    Case{"TooWide", "hidden: [8, 4]", "hidden: 8 ^hidden: 16385",
                         "hidden has width 16385, expected 1 to 16384"},
                    Case{"NegativeTower", "tower: [4]", "tower: [^-4]", "tower has width -4, expected 1 to 16384"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    Optimizers, LearningMistake,
    testing::Values(
        Case{"NegativeRate", kAdam, "adam { ^learning_rate: -0.01 }",
             "learning_rate is -0.01, expected a number above 0"},
        Case{"NegativeSgdRate", kAdam, "sgd { ^learning_rate: -1 }", "learning_rate is -1, expected a number above 0"},
        Case{"Betas", kAdam, "adam { ^beta1: 1 ^beta2: -0.5 ^epsilon: -1 }",
             "beta1 is 1, expected a number above 0 and below 1\nbeta2 is -0.5, expected a number above 0 and below 1\n"
             "epsilon is -1, expected a number above 0"},
        Case{"RowRates", kAdagrad,
             "adagrad { ^learning_rate: nan ^initial_accumulator: -1 ^epsilon: -1 ^initial_range: -1 }",
             "learning_rate is nan, expected a number above 0\ninitial_accumulator is -1, expected a number above 0\n"
             "epsilon is -1, expected a number above 0\ninitial_range is -1, expected a number above 0"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    Policy, LearningMistake,
    testing::Values(Case{"StepRows", "step_rows: 64", "^step_rows: -1", "step_rows is -1, expected 1 to 1048576"},
                    Case{"Window", "step_rows: 64", "^evaluation_window_rows: -1",
                         "evaluation_window_rows is -1, expected 1 to 1000000000"},
                    Case{"Intervals", "step_rows: 64",
                         "^step_wait_seconds: -1 ^publish_interval_seconds: inf ^checkpoint_interval_seconds: -2",
                         "step_wait_seconds is -1, expected a number above 0\n"
                         "publish_interval_seconds is inf, expected a number above 0\n"
                         "checkpoint_interval_seconds is -2, expected a number above 0"}),
    MistakeName);

}  // namespace
}  // namespace polyscene
