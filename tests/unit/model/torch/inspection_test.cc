// What --inspect tells, and a checkpoint that the first release wrote.
#include "model/learning/inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

namespace fs = std::filesystem;

// A server of the first release wrote it (format 1): 300 rows in two steps, of which the last table rows below are.
const fs::path kFormat1 = fs::path(POLYSCENE_FIXTURES) / "format1";

std::shared_ptr<const ModelSpec> FixtureModel() {
  return ParseModel(R"(
    name: "format 1 fixture"
    seed: 7
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    features { name: "brand" side: CONTEXT type: STRING encode { hash { embedding { dimension: 2 } } } }
    features { name: "price" side: CONTEXT type: FLOAT encode { numeric { scaling: STANDARD } } }
    scenes { name: "shop" tasks: ["click", "rating"] }
    tasks { name: "click" binary {} }
    tasks { name: "rating" regression {} }
    network { shared_bottom { hidden: [4] } scene_adaptation: SCENE_EMBEDDING }
  )");
}

TEST(InspectionTest, ACheckpointOfFormat1TellsWhatItHolds) {
  const CheckpointInspection inspection = InspectCheckpoint(kFormat1);
  ASSERT_TRUE(inspection.damage.ok()) << inspection.damage;
  EXPECT_EQ(inspection.format, 1u);
  EXPECT_EQ(inspection.spec->file().name(), "format 1 fixture");
  EXPECT_EQ(inspection.model_fingerprint, FixtureModel()->fingerprint_hex());
  EXPECT_EQ(inspection.log_offset, 301u);
  EXPECT_EQ(inspection.step, 2u);
  EXPECT_EQ(inspection.rows_learned, 300u);
  ASSERT_THAT(inspection.tables, SizeIs(2));
  EXPECT_EQ(inspection.tables[0].name, "item");
  EXPECT_EQ(inspection.tables[0].rows, 20u);
  EXPECT_EQ(inspection.tables[1].rows, 6u);
  ASSERT_THAT(inspection.statistics, SizeIs(1));
  EXPECT_EQ(inspection.statistics[0].first, "price");
  EXPECT_EQ(inspection.statistics[0].second.count, 300);
  EXPECT_NEAR(Figure(inspection.recent, "shop", "click", "auc"), 0.4808, 1e-4);
  EXPECT_THAT(inspection.opened, SizeIs(1));
}

TEST(InspectionTest, ACheckpointOfFormat1LoadsAndScoresAsThen) {
  const auto spec = FixtureModel();
  const auto loaded = LoadLearner(spec, LearnerOptions(), kFormat1);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->log_offset, 301u);
  EXPECT_TRUE(loaded->learner->FadingFigures().empty());  // It had none: they begin.
  Table rows;
  rows.rows = 2;
  rows.Add("item", ValueType::kInt64).ints = {5, 4};
  rows.Add("brand", ValueType::kString).strings = {"b5", "b4"};
  rows.Add("price", ValueType::kFloat).floats = {42.52f, 38.29f};
  const auto snapshot = loaded->learner->MakeSnapshot(1, 0).value();
  const std::vector<float> scores = Score(spec, *snapshot, rows, "shop", "click");
  EXPECT_NEAR(scores[0], 0.62240094, 1e-6);  // What the first release's polyscene-train --predict gave.
  EXPECT_NEAR(scores[1], 0.6214287, 1e-6);
}

TEST(InspectionTest, TheSameStateInBothFormatsHasOneDigest) {
  TempDirectory directory;
  const auto loaded = LoadLearner(FixtureModel(), LearnerOptions(), kFormat1).value();
  ASSERT_TRUE(loaded.learner->SaveCheckpoint(directory.path() / "two", 17).ok());
  const CheckpointInspection two = InspectCheckpoint(directory.path() / "two");
  EXPECT_EQ(two.format, 2u);
  EXPECT_EQ(two.log_offset, 17u);
  EXPECT_EQ(two.state_digest, InspectCheckpoint(kFormat1).state_digest);
}

TEST(InspectionTest, TheDigestKnowsRowsByTheirIdsAndNotByTheirNumbers) {
  TempDirectory directory;
  const auto spec = ParseModel(R"(
    name: "rows"
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    scenes { name: "shop1" tasks: ["click"] }
    scenes { name: "shop2" tasks: ["click"] }
    scenes { name: "shop3" tasks: ["click"] }
    scenes { name: "shop4" tasks: ["click"] }
    tasks { name: "click" binary {} }
    network { shared_bottom { hidden: [4] } }
  )");
  const auto digest_of = [&](const std::string& name, const std::vector<int64_t>& items, float label) {
    const auto learner = NewLearner(spec);
    for (const int64_t item : items) {
      OwnedExamples row;
      row.scene = absl::StrCat("shop", item);  // Each of its own: the order of a scene's losses is state, too.
      row.features.rows = 1;
      row.features.Add("item", ValueType::kInt64).ints = {item};
      // Without weight nothing is learned: the rows are there as they begin.
      row.labels.push_back({"click", {label}, {}});
      row.weights = {0.0f};
      Learn(*learner, row);
    }
    EXPECT_TRUE(learner->SaveCheckpoint(directory.path() / name, 0).ok());
    return InspectCheckpoint(directory.path() / name).state_digest;
  };
  const std::string digest = digest_of("a", {1, 2, 3}, 1);
  EXPECT_EQ(digest_of("b", {3, 1, 2}, 1), digest);
  EXPECT_NE(digest_of("c", {1, 2, 4}, 1), digest);
  EXPECT_NE(digest_of("d", {1, 2, 3, 3}, 1), digest);  // One row more was learned.
}

TEST(InspectionTest, DamageIsToldWithWhatCouldBeRead) {
  TempDirectory directory;
  fs::copy(kFormat1, directory.path() / "cut");
  fs::resize_file(directory.path() / "cut" / "state.ckpt", 4'000);
  const CheckpointInspection inspection = InspectCheckpoint(directory.path() / "cut");
  EXPECT_EQ(inspection.damage.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(inspection.damage.message()), HasSubstr("cut/state.ckpt"));
  EXPECT_EQ(inspection.state_digest, "");
}

}  // namespace
}  // namespace polyscene
