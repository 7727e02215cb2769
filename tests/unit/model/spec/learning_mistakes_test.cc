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
    testing::Values(
        Case{"NoName", "name: \"shop\"\n", "^\n", "the model has no name, expected name: \"...\", for people"},
        Case{"NoNetwork", "network { mmoe { experts: 2 hidden: [8, 4] } tower: [4] }", "^network { }",
             "the model has no network, expected network { } with shared_bottom, mmoe, ple or single in it"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    Network, LearningMistake,
    testing::Values(
        Case{"OneExpert", "experts: 2", "^experts: 1", "experts is 1, expected 2 to 64"},
        Case{"TooManyExperts", "experts: 2", "^experts: 65", "experts is 65, expected 2 to 64"},
        Case{"MmoeWithoutLayers", kMmoe, "^mmoe { experts: 2 }",
             "no hidden layers, expected the width of at least one"},
        Case{"SharedBottomWithoutLayers", kMmoe, "^shared_bottom { }",
             "no hidden layers, expected the width of at least one"},
        Case{"NoWidth", "hidden: [8, 4]", "hidden: [8, ^0]", "hidden has width 0, expected 1 to 16384"},
        Case{"TooWide", "hidden: [8, 4]", "hidden: 8 ^hidden: 16385", "hidden has width 16385, expected 1 to 16384"},
        Case{"PleCounts", kMmoe, "ple { ^layers: 9 ^shared_experts: -1 ^task_experts: 65 hidden: [8] }",
             "layers is 9, expected 1 to 8\nshared_experts is -1, expected 1 to 64\n"
             "task_experts is 65, expected 1 to 64"},
        Case{"PleWithoutLayers", kMmoe, "^ple { layers: 2 }", "no hidden layers, expected the width of at least one"},
        Case{"PleWidth", kMmoe, "ple { ^hidden: 0 }", "hidden has width 0, expected 1 to 16384"},
        Case{"SingleWithoutLayers", kMmoe, "^single { }", "no hidden layers, expected the width of at least one"},
        Case{"SingleWithStar", kMmoe, "single { hidden: [8] } ^scene_adaptation: STAR",
             "scene_adaptation is STAR, expected NO_ADAPTATION: single has a network for each scene"},
        Case{"SingleWithSceneTowers", kMmoe, "single { hidden: [8] } ^scene_towers: true",
             "scene_towers is true, expected it left out: single has a network for each scene"},
        Case{"SingleWithSceneEmbedding", kMmoe, "single { hidden: [8] } ^scene_adaptation: SCENE_EMBEDDING",
             "scene_adaptation is SCENE_EMBEDDING, expected NO_ADAPTATION: single has a network for each "
             "scene"},
        Case{"NoInteraction", "tower: [4]", "^interaction { }",
             "the interaction has no kind, expected cross { } or factorization_machine { }"},
        Case{"CrossLayers", "tower: [4]", "interaction { cross { ^layers: 9 } }", "layers is 9, expected 1 to 8"},
        Case{"CrossRank", "tower: [4]", "interaction { cross { ^rank: 21 } }", "rank is 21, expected 1 to 20"},
        Case{"CrossRankWithTheScene", "tower: [4]",
             "scene_adaptation: SCENE_EMBEDDING interaction { cross { ^rank: 29 } }", "rank is 29, expected 1 to 28"},
        Case{"NegativeCross", "tower: [4]", "interaction { cross { ^layers: -1 ^rank: -2 } }",
             "layers is -1, expected 1 to 8\nrank is -2, expected 1 to 20"},
        Case{"ProductsOfTwoDimensions", "tower: [4]", "interaction { ^factorization_machine { } }",
             "factorization_machine multiplies embeddings, and these have dimensions 2, 4, expected one "
             "dimension for all"},
        Case{"NegativeTower", "tower: [4]", "tower: [^-4]", "tower has width -4, expected 1 to 16384"}),
    MistakeName);

TEST(InteractionMistake, ProductsOfOneEmbedding) {
  const Told told = Tell(R"(name: "one"
features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
scenes { name: "shop" tasks: ["click"] }
tasks { name: "click" binary { } }
network { shared_bottom { hidden: [4] } interaction { ^factorization_machine { } } })",
                         "factorization_machine multiplies embeddings, and the model has 1, expected at least 2");
  EXPECT_EQ(told.got, told.want);
}

INSTANTIATE_TEST_SUITE_P(
    Optimizers, LearningMistake,
    testing::Values(
        Case{"NegativeRate", kAdam, "adam { ^learning_rate: -0.01 }",
             "learning_rate is -0.01, expected a number above 0"},
        Case{"NegativeSgdRate", kAdam, "sgd { ^learning_rate: -1 }", "learning_rate is -1, expected a number above 0"},
        Case{"Betas", kAdam, "adam { ^beta1: 1 ^beta2: -0.5 ^epsilon: -1 }",
             "beta1 is 1, expected a number above 0 and below 1\nbeta2 is -0.5, expected a number above 0 and below 1\n"
             "epsilon is -1, expected a number above 0"},
        Case{"Momentum", kAdam, "sgd { ^momentum: 1 }", "momentum is 1, expected 0 or above and below 1"},
        Case{"NegativeMomentum", kAdam, "sgd { ^momentum: -0.5 }", "momentum is -0.5, expected 0 or above and below 1"},
        Case{"AdamW", kAdam, "adam_w { ^learning_rate: -1 ^beta1: 2 ^weight_decay: -0.1 }",
             "learning_rate is -1, expected a number above 0\nbeta1 is 2, expected a number above 0 and below 1\n"
             "weight_decay is -0.1, expected a number above 0"},
        Case{"Adagrad", kAdam, "adagrad { ^learning_rate: inf ^initial_accumulator: -1 ^epsilon: -1 }",
             "learning_rate is inf, expected a number above 0\ninitial_accumulator is -1, expected 0 or above\n"
             "epsilon is -1, expected a number above 0"},
        Case{"Schedule", kAdam, "schedule { ^warm_up_steps: -1 ^floor: 1.5 inverse_square_root { ^steps: -2 } }",
             "warm_up_steps is -1, expected 0 to 1000000000000\nfloor is 1.5, expected 0 to 1\n"
             "steps is -2, expected 1 to 1000000000000"},
        Case{"NoHalfLife", kAdam, "schedule { ^exponential { } }", "half_life_steps is 0, expected 1 to 1000000000000"},
        Case{"FloorIsNoNumber", kAdam, "schedule { ^floor: nan }", "floor is nan, expected 0 to 1"},
        Case{"ClipAndTowers", kAdam, "^clip_norm: -1 ^tower_factor: -2",
             "clip_norm is -1, expected 0 or above\ntower_factor is -2, expected a number above 0"},
        Case{"RowRates", kAdagrad,
             "adagrad { ^learning_rate: nan ^initial_accumulator: -1 ^epsilon: -1 ^initial_range: -1 }",
             "learning_rate is nan, expected at least 1e-10 and below 1e+06\n"
             "initial_accumulator is -1, expected at least 1e-10 and below 1e+06\n"
             "epsilon is -1, expected a number above 0\ninitial_range is -1, expected at least 1e-10 and below 1e+06"},
        Case{"RowL2", kAdagrad, "adagrad { ^l2: 1e30 }", "l2 is 1e+30, expected 0 or above and below 1e+06"},
        Case{"FtrlRates", kAdagrad, "ftrl { ^alpha: 1e-40 ^l1: -2 }",
             "alpha is 1e-40, expected at least 1e-10 and below 1e+06\nl1 is -2, expected 0 or above and below 1e+06"},
        Case{"RowAdamRates", kAdagrad, "adam { ^learning_rate: 1e30 ^beta1: 1 ^l2: -1 }",
             "learning_rate is 1e+30, expected at least 1e-10 and below 1e+06\n"
             "beta1 is 1, expected a number above 0 and below 1\nl2 is -1, expected 0 or above and below 1e+06"},
        Case{"TableOfNoKind", "learning { ", "tables { name: \"item\" ^optimizer { } }\nlearning { ",
             "the optimizer of table 'item' has no kind, expected one of adagrad, ftrl, adam"},
        Case{"UnknownTable", "learning { ", "tables { ^name: \"itm\" optimizer { adam { } } }\nlearning { ",
             "table 'itm' is of no embedding, expected one of colour, item, price, user_id"},
        Case{"TableTwice", "learning { ",
             "tables { name: \"item\" optimizer { adam { } } } tables { ^name: \"item\" optimizer { ftrl { } } "
             "}\nlearning { ",
             "table 'item' is there already, expected each once"},
        Case{"TableLikeTheOthers", "learning { ", "^tables { name: \"item\" }\nlearning { ",
             "table 'item' has neither optimizer nor rows, expected what it differs by"},
        Case{"RowPolicy", "learning { ",
             "rows { ^admit_after: 256 ^expire_after_rows: 1000 ^max_bytes: 1000000 }\nlearning { ",
             "admit_after is 256, expected 1 to 255\n"
             "expire_after_rows is 1000, expected 1024 to 1000000000000\n"
             "max_bytes is 1000000, expected 1048576 to 1125899906842624"},
        Case{"RowPolicyOfATable", "learning { ", "tables { name: \"item\" rows { ^admit_after: -1 } }\nlearning { ",
             "admit_after is -1, expected 1 to 255"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    LossBalance, LearningMistake,
    testing::Values(Case{"Uncertainty", kAdam, "} loss_balance { uncertainty { ^learning_rate: -1 }",
                         "learning_rate is -1, expected a number above 0"},
                    Case{"GradNorm", kAdam,
                         "} loss_balance { grad_norm { ^alpha: -1 ^learning_rate: nan ^every_steps: -1 }",
                         "alpha is -1, expected a number above 0\nlearning_rate is nan, expected a number above 0\n"
                         "every_steps is -1, expected 1 to 1000000000"},
                    Case{"DynamicWeightAverage", kAdam,
                         "} loss_balance { dynamic_weight_average { ^temperature: -2 ^span_steps: -200 }",
                         "temperature is -2, expected a number above 0\nspan_steps is -200, expected 1 to 1000000000"}),
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
                         "checkpoint_interval_seconds is -2, expected a number above 0"},
                    Case{"Drift", "step_rows: 64",
                         "drift { page_hinkley { ^tolerance: -1 ^threshold: nan ^minimum_rows: -5 } }",
                         "tolerance is -1, expected a number above 0\nthreshold is nan, expected a number above 0\n"
                         "minimum_rows is -5, expected 1 to 1000000000"},
                    Case{"LatencyTarget", "learning { ", "serving { ^latency_target_seconds: 0.00005 }\nlearning { ",
                         "latency_target_seconds is 5e-05, expected at least 0.0001 and below 60"},
                    Case{"NoLatencyTargetAtAll", "learning { ", "serving { ^latency_target_seconds: inf }\nlearning { ",
                         "latency_target_seconds is inf, expected at least 0.0001 and below 60"}),
    MistakeName);

}  // namespace
}  // namespace polyscene
