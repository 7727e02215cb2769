// What tells two models apart, and what does not.
#include <gmock/gmock.h>

#include "tests/unit/model/spec/model_text.h"

namespace polyscene {
namespace {

uint64_t FingerprintOf(absl::string_view from, absl::string_view to) {
  const auto spec = Good(Changed(from, to));
  return spec == nullptr ? 0 : spec->fingerprint();
}

struct Change {
  const char* name;
  const char* from;
  const char* to;
};
void PrintTo(const Change& change, std::ostream* out) { *out << change.to; }
std::string ChangeName(const testing::TestParamInfo<Change>& info) { return info.param.name; }

class SameState : public testing::TestWithParam<Change> {};
class OtherState : public testing::TestWithParam<Change> {};

TEST_P(SameState, HasTheSameFingerprint) {
  EXPECT_EQ(FingerprintOf(GetParam().from, GetParam().to), Good(kGoodModel)->fingerprint());
}

TEST_P(OtherState, HasAnotherFingerprint) {
  EXPECT_NE(FingerprintOf(GetParam().from, GetParam().to), Good(kGoodModel)->fingerprint());
}

constexpr char kAdam[] = "adam { learning_rate: 0.01 }";

INSTANTIATE_TEST_SUITE_P(
    Spec, SameState,
    testing::Values(
        Change{"ModelName", "\"shop\"", "\"another shop\""},
        Change{"DefaultsWrittenOut", "\"shop\"", "\"shop\" seed: 1"},
        Change{"DenseRate", kAdam, "adam { learning_rate: 0.5 beta1: 0.5 epsilon: 1 }"},
        Change{"Schedule", kAdam,
               "adam { } schedule { warm_up_steps: 9 floor: 0.5 exponential { half_life_steps: 1 } }"},
        Change{"ClipAndTowers", kAdam, "adam { } clip_norm: 2 tower_factor: 3"},
        Change{"DecoupledDecay", kAdam, "adam_w { weight_decay: 0.5 }"},  // Adam's state.
        Change{"RowRate", "adagrad { learning_rate: 0.1 }", "adagrad { epsilon: 1 initial_accumulator: 1 }"},
        Change{"RowDecay", "adagrad { learning_rate: 0.1 }", "adagrad { l2: 0.1 }"},
        Change{"TaskWeight", "binary { }", "binary { } weight: 3"},
        Change{"LabelColumn", "binary { }", "binary { } column: \"c\""},
        Change{"ForecastColumns", "columns: [\"d1\", \"d2\"]", ""},
        Change{"FeatureColumn", "name: \"item\"", "name: \"item\" column: \"c\""},
        Change{"MissingOutside", "missing_outside { min: 0 max: 1000 }", ""},
        Change{"Loss", "huber { delta: 2 }", "mse { }"}, Change{"Focal", "binary { }", "binary { focal { } }"},
        Change{"PcgradAndMeasuring", "learning { ",
               "loss_balance { fixed { } pcgrad: true measure_every_steps: 7 }\nlearning { "},
        Change{"RankBy", "rank_by { factors { task: \"click\" } }", ""},
        Change{"RequiredIdentity", "name: \"item\"", "name: \"item\" required: true"},
        Change{"AllFeaturesListed", "tasks: [\"click\", \"aisle\"]",
               "tasks: [\"click\", \"aisle\"] features: [\"user_id\", \"recent\", \"item\", \"price\", \"colour\"]"},
        Change{"DefinedWhen", "classes: 3 }", "classes: 3 } defined_when { task: \"click\" }"},
        Change{"WhenIdsGetTheirRows", "learning { ", "rows { admit_after: 3 }\nlearning { "},
        Change{"WhenIdsOfATableGetTheirRows", "learning { ",
               "tables { name: \"item\" rows { admit_after: 3 } }\nlearning { "},
        Change{"LatencyTarget", "learning { ", "serving { latency_target_seconds: 0.5 }\nlearning { "},
        Change{"Policy", "step_rows: 64", "step_rows: 32 publish_interval_seconds: 9"},
        Change{"Files", "event_time_column: \"day\"", "request_id_column: \"r\""}),
    ChangeName);

INSTANTIATE_TEST_SUITE_P(
    Spec, OtherState,
    testing::Values(
        Change{"Seed", "\"shop\"", "\"shop\" seed: 2"},
        Change{"Type", "name: \"recent\" side: CONTEXT type: STRING", "name: \"recent\" side: CONTEXT type: INT64"},
        Change{"Personal", "name: \"user_id\"", "name: \"user_id\" personal: true"},
        Change{"RequiredNumber", "name: \"price\"", "name: \"price\" required: true"},
        Change{"SequenceLength", "max_length: 20", "max_length: 21"},
        Change{"Pooling", "max_length: 20", "max_length: 20 pooling: SUM"},
        Change{"Scaling", "scaling: STANDARD", "scaling: MIN_MAX"},
        Change{"Logarithm", "scaling: STANDARD", "scaling: STANDARD log1p: true"},
        Change{"Boundaries", "[10, 20, 50]", "[10, 20, 51]"},
        Change{"Values", "one_hot { values: [\"red\", \"blue\"] }", "one_hot { values: [\"blue\", \"red\"] }"},
        Change{"Dimension", "50] embedding { dimension: 2 }", "50] embedding { dimension: 3 }"},
        Change{"Table", "50] embedding { dimension: 2 }", "50] embedding { dimension: 2 table: \"p\" }"},
        Change{"SceneName", "\"home\"", "\"front\""},
        Change{"SceneTasks", "[\"click\", \"aisle\"]", "[\"click\", \"aisle\", \"spend\"]"},
        Change{"SceneFeatures", "[\"user_id\", \"item\", \"price\"]", "[\"user_id\", \"item\"]"},
        Change{"Classes", "classes: 3", "classes: 4"},
        Change{"Horizon", "horizon: 2 } columns: [\"d1\", \"d2\"]", "horizon: 3 }"},
        Change{"Kind", "binary { }", "regression { }"},
        Change{"Transform", "log1p: true scale: 2", "log1p: true scale: 3"},
        Change{"Experts", "experts: 2", "experts: 3"}, Change{"Hidden", "hidden: [8, 4]", "hidden: [4, 8]"},
        Change{"Tower", "tower: [4]", ""},
        Change{"SceneAdaptation", "tower: [4]", "tower: [4] scene_adaptation: SCENE_EMBEDDING"},
        Change{"Ple", "mmoe { experts: 2", "ple { layers: 1"},
        Change{"Single", "mmoe { experts: 2 hidden: [8, 4] }", "single { hidden: [8, 4] }"},
        Change{"Skip", "tower: [4]", "tower: [4] skip: RESIDUAL"},
        Change{"SceneTowers", "tower: [4]", "tower: [4] scene_towers: true"},
        Change{"Star", "tower: [4]", "tower: [4] scene_adaptation: STAR"},
        Change{"Interaction", "tower: [4]", "tower: [4] interaction { cross { } }"},
        Change{"DenseOptimizer", kAdam, "sgd { }"}, Change{"Adagrad", kAdam, "adagrad { }"},
        Change{"Momentum", kAdam, "sgd { momentum: 0.9 }"},
        Change{"Poisson", "horizon: 2 }", "horizon: 2 loss { poisson { } } }"},
        Change{"Quantile", "huber { delta: 2 }", "pinball { }"},
        Change{"Standardize", "log1p: true scale: 2", "log1p: true standardize: true"},
        Change{"GradNorm", "learning { ", "loss_balance { grad_norm { } }\nlearning { "},
        Change{"Uncertainty", "learning { ", "loss_balance { uncertainty { } }\nlearning { "},
        Change{"DynamicWeightAverage", "learning { ", "loss_balance { dynamic_weight_average { } }\nlearning { "},
        Change{"RowFtrl", "adagrad { learning_rate: 0.1 }", "ftrl { }"},
        Change{"RowAdam", "adagrad { learning_rate: 0.1 }", "adam { }"},
        Change{"OwnRowOptimizer", "learning { ", "tables { name: \"item\" optimizer { adagrad { } } }\nlearning { "},
        Change{"RowsExpire", "learning { ", "rows { expire_after_rows: 5000 }\nlearning { "},
        Change{"RowsHaveABound", "learning { ", "rows { max_bytes: 5000000 }\nlearning { "},
        Change{"RowsOfATableExpire", "learning { ",
               "tables { name: \"item\" rows { expire_after_rows: 5000 } }\nlearning { "},
        Change{"InitialRows", "adagrad { ", "adagrad { initial_range: 0.1 "}),
    ChangeName);

TEST(Fingerprint, NeitherRatesNorTheOrderOfTablesCount) {
  constexpr char kAdagrad[] = "row_optimizer { adagrad { learning_rate: 0.1 } }";
  const std::string item =
      "tables { name: \"item\" optimizer { ftrl { alpha: 1 beta: 2 l1: 3 l2: 4 initial_range: 0.05 } } }";
  const std::string price = "tables { name: \"price\" optimizer { adam { learning_rate: 1 l2: 1 } } }";
  EXPECT_EQ(FingerprintOf(kAdagrad, item + price),
            FingerprintOf(kAdagrad,
                          "tables { name: \"price\" optimizer { adam { } } } tables { name: \"item\" optimizer { "
                          "ftrl { } } }"));
}

TEST(Fingerprint, ACalibrationIsStateAndItsHalfLifeIsNot) {
  const uint64_t calibrated = FingerprintOf("binary { }", "binary { } calibration { platt { } }");
  EXPECT_NE(calibrated, Good(kGoodModel)->fingerprint());
  EXPECT_EQ(calibrated, FingerprintOf("binary { }", "binary { } calibration { platt { half_life_rows: 7 } }"));
}

TEST(Fingerprint, AProductIsAnotherStateThanATaskWithATower) {
  const auto with = [](absl::string_view kind, absl::string_view cvr) {
    return FingerprintOf(
        "\"demand\"]",
        absl::StrCat("\"demand\", \"cvr\", \"bought\"] } tasks { name: \"cvr\" binary { } ", cvr,
                     " } tasks { name: \"bought\" ", kind, " } scenes { name: \"last\" tasks: \"click\""));
  };
  const uint64_t product = with("product { tasks: [\"click\", \"cvr\"] }", "");
  EXPECT_NE(product, with("binary { }", ""));
  EXPECT_EQ(product, with("product { tasks: [\"click\", \"cvr\"] }", "evaluate_only: true"));
}

TEST(Fingerprint, WhetherRowsAreLetGoCountsNotWhenNorWhereThatIsSaid) {
  constexpr char kAdagrad[] = "row_optimizer { adagrad { learning_rate: 0.1 } }";
  const uint64_t of = FingerprintOf(kAdagrad, "rows { expire_after_rows: 5000 }");
  EXPECT_EQ(FingerprintOf(kAdagrad, "rows { expire_after_rows: 6000 admit_after: 2 }"), of);
  EXPECT_EQ(
      FingerprintOf(kAdagrad,
                    "rows { expire_after_rows: 5000 } tables { name: \"item\" rows { expire_after_rows: 7000 } }"),
      of);
  EXPECT_NE(
      FingerprintOf(kAdagrad, "rows { expire_after_rows: 5000 } tables { name: \"item\" rows { admit_after: 2 } }"),
      of);
}

TEST(Fingerprint, DefaultsOfANetworkAreWhatTheyAreWrittenOut) {
  constexpr char kMmoe[] = "mmoe { experts: 2 hidden: [8, 4] }";
  EXPECT_EQ(FingerprintOf(kMmoe, "ple { hidden: [8, 4] } interaction { cross { } }"),
            FingerprintOf(kMmoe,
                          "ple { layers: 1 shared_experts: 2 task_experts: 1 hidden: [8, 4] } "
                          "interaction { cross { layers: 2 } } scene_adaptation: NO_ADAPTATION skip: NO_SKIP"));
  EXPECT_NE(FingerprintOf(kMmoe, "ple { hidden: [8, 4] }"), FingerprintOf(kMmoe, "ple { layers: 2 hidden: [8, 4] }"));
}

TEST(Fingerprint, IsTheSameEverywhereAndForGood) {
  // If this fails, every stored checkpoint and log is refused: change how the fingerprint is made, not this number.
  EXPECT_EQ(Good(kGoodModel)->fingerprint_hex(), "5d8d0deba4c8993b");
}

}  // namespace
}  // namespace polyscene
