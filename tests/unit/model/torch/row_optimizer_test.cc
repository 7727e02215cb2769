// Row optimizers against their papers' formulas, worked out by hand, and tables that differ in a checkpoint.
#include "model/optimizer/row_optimizer.h"

#include <gmock/gmock.h>
#include <torch/torch.h>

#include <cmath>

#include "absl/strings/str_replace.h"
#include "google/protobuf/text_format.h"
#include "model/learning/inspection.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/model/torch/checkpoint_files.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

using ::testing::Contains;

// Row 0 of a store of two, of two values each, after a step for each of `gradients`.
std::vector<float> After(const std::string& text, int64_t state_width, std::vector<float> start,
                         std::vector<std::vector<float>> gradients) {
  v1::RowOptimizer options;
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(text, &options)) << text;
  RowStore store(2, torch::kCPU, state_width);
  store.Add(std::vector<float>{start[0], start[1], 7, 8}, std::vector<RowOwner>{{0, 1}, {0, 2}});
  const auto optimizer = CreateRowOptimizer(options);
  const std::vector<uint32_t> rows = {0};
  for (std::vector<float>& gradient : gradients) {
    optimizer->Step(store, rows, store.Gather(rows), torch::tensor(gradient).view({1, 2}));
  }
  EXPECT_TRUE(torch::equal(store.Gather(std::vector<uint32_t>{1}), torch::tensor({{7.f, 8.f}})));
  EXPECT_EQ(store.state()[1].abs().sum().item<float>(), 0);  // Nobody touched it.
  const torch::Tensor row = store.Gather(rows);
  return {row[0][0].item<float>(), row[0][1].item<float>()};
}

void ExpectNear(const std::vector<float>& got, double first, double second) {
  EXPECT_NEAR(got[0], first, 1e-5);
  EXPECT_NEAR(got[1], second, 1e-5);
}

TEST(RowOptimizerTest, AdagradWithL2AddsTheRowToItsGradient) {
  // Slopes 1 + 0.5 x 2 = 2 and 0 + 0.5 x 4 = 2, mean square 4: moves of 0.1 x 2 / 2.
  ExpectNear(After("adagrad { learning_rate: 0.1 l2: 0.5 }", 1, {2, 4}, {{1, 0}}), 1.9, 3.9);
}

TEST(RowOptimizerTest, AdamCountsTheStepsOfEachRow) {
  // First step: m = 0.5 x 2, v = 0.25 x 4, corrected 2 and 4: a move of 0.1. A second one alike, for g does not change.
  const std::string adam = "adam { learning_rate: 0.1 beta1: 0.5 beta2: 0.75 epsilon: 1e-8 }";
  ExpectNear(After(adam, 5, {1, 1}, {{2, -3}}), 0.9, 1.1);
  ExpectNear(After(adam, 5, {1, 1}, {{2, -3}, {2, -3}}), 0.8, 1.2);
  // Then g = 0: m = 0.75 x 2 x 0.5 / 0.875, v = 4 x 0.4375 x 0.75 / 0.578125.
  const double move = 0.1 * (0.75 / 0.875) / std::sqrt(1.3125 / 0.578125);
  ExpectNear(After(adam, 5, {1, 1}, {{2, -3}, {2, -3}, {0, 0}}), 0.8 - move, 1.2 + move);
}

TEST(RowOptimizerTest, FtrlWithoutPenaltiesBeginsAtTheRowAndMovesAsItsFormulaSays) {
  // w - alpha x g / (beta + |g|) in the first step.
  const std::string ftrl = "ftrl { alpha: 0.5 beta: 1 }";
  ExpectNear(After(ftrl, 4, {1, -1}, {{3, -1}}), 1 - 0.5 * 3 / 4, -1 + 0.5 * 1 / 2);
  // Then g = {4, 0}: n = 25 and 1; z1 = -2 + 3 - 6 x 1 = -5, z2 = -5 + 4 - (5 - 3) / 0.5 x 0.625 = -3.5; w = 3.5 / 12.
  ExpectNear(After(ftrl, 4, {1, -1}, {{3, -1}, {4, 0}}), 3.5 / 12, -0.75);
}

TEST(RowOptimizerTest, FtrlsL1TakesTheWholeRowToZeroOrNone) {
  // z = -w / 0.5 + g - |g| / 0.5 x w = {-2 + 1 - 2, 1} = {-3, 1} for w = {1, 0}: a norm of sqrt(10).
  const std::string ftrl = "ftrl { alpha: 0.5 beta: 1 l1: $0 }";
  ExpectNear(After(absl::StrReplaceAll(ftrl, {{"$0", "3"}}), 4, {1, 0}, {{1, 1}}), 0, 0);
  const double left = 1 - std::sqrt(2.0) / std::sqrt(10.0);
  ExpectNear(After(absl::StrReplaceAll(ftrl, {{"$0", "1"}}), 4, {1, 0}, {{1, 1}}), left * 3 / 4, -left / 4);
}

TEST(RowOptimizerTest, FtrlsL2PullsTowardsZeroAndNotTowardsTheBeginning) {
  // z = -1 / 0.5 + 3 - (3 / 0.5) x 1 = -5, and 10 = (1 + 3) / 0.5 + 2 under it.
  ExpectNear(After("ftrl { alpha: 0.5 beta: 1 l2: 2 }", 4, {1, 0}, {{3, 0}}), 0.5, 0);
}

TEST(RowOptimizerTest, WithAnotherRateOrPenaltyFtrlGoesOnFromWhereTheRowIs) {
  const auto parse = [](const std::string& text) {
    v1::RowOptimizer options;
    EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(text, &options)) << text;
    return CreateRowOptimizer(options);
  };
  RowStore store(2, torch::kCPU, 4);
  store.Add(std::vector<float>{0.3f, -0.4f}, std::vector<RowOwner>{{0, 1}});
  const std::vector<uint32_t> rows = {0};
  const auto step = [&](const std::string& text, std::vector<float> gradient) {
    parse(text)->Step(store, rows, store.Gather(rows), torch::tensor(gradient).view({1, 2}));
    return store.Gather(rows);
  };
  const torch::Tensor before = step("ftrl { alpha: 0.05 beta: 1 l1: 0.5 l2: 0.1 }", {0.5, -2}).clone();
  ASSERT_GT(before.abs().min().item<float>(), 0);
  for (const char* other : {"alpha: 0.5 beta: 1 l1: 0.5 l2: 0.1", "alpha: 0.005 beta: 3 l1: 0.1", "alpha: 1 beta: 1"}) {
    const torch::Tensor after = step(absl::StrReplaceAll("ftrl { $0 }", {{"$0", other}}), {0, 0});
    EXPECT_TRUE(torch::allclose(after, before, 1e-5)) << other << "\n" << after << before;
  }
}

constexpr char kModel[] = R"(
  name: "tables"
  features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
  features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
  features { name: "brand" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
  scenes { name: "shop" tasks: ["click"] }
  tasks { name: "click" binary {} }
  network { shared_bottom { hidden: [4] } }
  TABLES
)";

class OwnOptimizerTest : public testing::Test, protected CheckpointFiles {
 protected:
  static std::shared_ptr<const ModelSpec> Model(const std::string& tables) {
    return ParseModel(absl::StrReplaceAll(kModel, {{"TABLES", tables}}));
  }
  static OwnedExamples Rows(int first) {
    OwnedExamples rows;
    rows.features.rows = 8;
    const auto add = [&](const char* name, int modulus) {
      auto& ints = rows.features.Add(name, ValueType::kInt64).ints;
      for (int i = 0; i < 8; ++i) ints.push_back((first + i) % modulus);
    };
    add("item", 1000);
    add("user", 5);
    add("brand", 3);
    rows.labels.push_back({"click", {}, {}});
    for (int i = 0; i < 8; ++i) rows.labels[0].values.push_back((first + i) % 2 == 0 ? 1.0f : 0.0f);
    return rows;
  }
};

constexpr char kThree[] = R"(tables { name: "user" optimizer { ftrl { l1: 0.01 } } }
                             tables { name: "brand" optimizer { adam { learning_rate: 0.01 } } })";

TEST_F(OwnOptimizerTest, LoadingAndLearningOnIsLearningWithoutABreak) {
  const auto spec = Model(kThree);
  const auto through = NewLearner(spec);
  for (int i = 0; i < 6; ++i) Learn(*through, Rows(5 * i));
  ASSERT_TRUE(through->SaveCheckpoint(Path("half"), 0).ok());
  for (int i = 6; i < 12; ++i) Learn(*through, Rows(5 * i));

  auto loaded = LoadLearner(spec, LearnerOptions(), Path("half"));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE(loaded->changes.empty());
  for (int i = 6; i < 12; ++i) Learn(*loaded->learner, Rows(5 * i));
  EXPECT_EQ(Digest(*loaded->learner), Digest(*through));
}

TEST_F(OwnOptimizerTest, TablesThatGetAnotherKindKeepTheirRowsAndBeginItsStateAnew) {
  const auto plain = Model("");
  const auto old = NewLearner(plain);
  for (int i = 0; i < 6; ++i) Learn(*old, Rows(5 * i));
  ASSERT_TRUE(old->SaveCheckpoint(Path("old"), 0).ok());

  const auto spec = Model(kThree);
  auto loaded = LoadLearner(spec, LearnerOptions(), Path("old"));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->changes, Contains("new: state of the row optimizer of table 'user', which is of another kind"));
  EXPECT_THAT(loaded->changes, Contains("new: state of the row optimizer of table 'brand', which is of another kind"));
  const auto scores = [](const auto& of, Learner& learner) {
    return Score(of, *learner.MakeSnapshot(1, 0).value(), Rows(3).features, "shop", "click");
  };
  EXPECT_THAT(scores(spec, *loaded->learner), testing::Pointwise(testing::FloatNear(1e-6f), scores(plain, *old)));

  // And back: three stores become one.
  ASSERT_TRUE(loaded->learner->SaveCheckpoint(Path("new"), 0).ok());
  auto back = LoadLearner(plain, LearnerOptions(), Path("new"));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(scores(plain, *back->learner), scores(plain, *old));
  Learn(*back->learner, Rows(100));
}

}  // namespace
}  // namespace polyscene
