// A checkpoint of another model file: what is taken over by name, and what is refused.
#include "model/learning/schema_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "model/learning/inspection.h"
#include "model/network/network.h"
#include "model/serving/torch_snapshot.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

constexpr char kFeatures[] = R"(
  features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
  features { name: "brand" side: CONTEXT type: STRING
             encode { vocabulary { values: ["a", "b"] embedding { dimension: 2 } } } }
  features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
  features { name: "price" side: CONTEXT type: FLOAT encode { numeric { scaling: STANDARD } } }
  features { name: "kind" side: CONTEXT type: INT64 encode { one_hot { values: ["1", "2"] } } }
)";
constexpr char kTasks[] = R"(
  scenes { name: "shop" tasks: ["click", "rating"] }
  tasks { name: "click" binary {} }
  tasks { name: "rating" regression {} }
)";

struct Architecture {
  std::string name;
  std::string network;
  bool tasks_are_apart = true;  // A new task changes nothing of what others score.
};

class SchemaChangeTest : public testing::TestWithParam<Architecture> {
 protected:
  static std::string Model(const std::string& features, const std::string& tasks) {
    return absl::StrCat("name: \"shop model\"\n", features, tasks, GetParam().network);
  }

  static OwnedExamples Rows(int first, int count = 32) {
    OwnedExamples rows;
    rows.features.rows = count;
    const auto add = [&](const char* name, int modulus) {
      auto& ints = rows.features.Add(name, ValueType::kInt64).ints;
      for (int i = 0; i < count; ++i) ints.push_back((first + i) % modulus);
    };
    add("item", 13);
    add("user", 7);
    add("kind", 3);
    auto& brands = rows.features.Add("brand", ValueType::kString).strings;
    for (int i = 0; i < count; ++i) brands.push_back((first + i) % 3 == 0 ? "a" : "b");
    auto& prices = rows.features.Add("price", ValueType::kFloat).floats;
    for (int i = 0; i < count; ++i) prices.push_back(static_cast<float>((first + i) % 11));
    rows.labels.push_back({"click", {}, {}});
    rows.labels.push_back({"rating", {}, {}});
    for (int i = 0; i < count; ++i) {
      rows.labels[0].values.push_back((first + i) % 13 < 6 ? 1.0f : 0.0f);
      rows.labels[1].values.push_back(static_cast<float>((first + i) % 7));
    }
    return rows;
  }

  void SetUp() override {
    old_spec_ = ParseModel(Model(kFeatures, kTasks));
    old_ = NewLearner(old_spec_);
    for (int i = 0; i < 10; ++i) Learn(*old_, Rows(5 * i));
    old_->OpenEvaluation("p", 17);
    ASSERT_TRUE(old_->SaveCheckpoint(path_, 320).ok());
  }

  absl::StatusOr<LoadedLearner> Load(const std::string& features, const std::string& tasks) {
    spec_ = ParseModel(Model(features, tasks));
    return LoadLearner(spec_, LearnerOptions(), path_);
  }

  static std::vector<float> Scores(const std::shared_ptr<const ModelSpec>& spec, Learner& learner,
                                   const std::string& task) {
    return Score(spec, *learner.MakeSnapshot(1, 0).value(), Rows(3).features, "shop", task);
  }
  void ExpectTheOldScores(Learner& learner) {
    for (const char* task : {"click", "rating"}) {
      EXPECT_THAT(Scores(spec_, learner, task),
                  testing::Pointwise(testing::FloatNear(2e-5f), Scores(old_spec_, *old_, task)));
    }
  }

  TempDirectory directory_;
  const fs::path path_ = directory_.path() / "old";
  std::shared_ptr<const ModelSpec> old_spec_;
  std::unique_ptr<Learner> old_;
  std::shared_ptr<const ModelSpec> spec_;
};

// Features and tasks in another order, so that every matrix, table and moment has to find its place by name.
TEST_P(SchemaChangeTest, AnotherOrderScoresAndLearnsOnAsBefore) {
  const std::string features = R"(
    features { name: "kind" side: CONTEXT type: INT64 encode { one_hot { values: ["2", "1"] } } }
    features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    features { name: "price" side: CONTEXT type: FLOAT encode { numeric { scaling: STANDARD } } }
    features { name: "brand" side: CONTEXT type: STRING
               encode { vocabulary { values: ["a", "b"] embedding { dimension: 2 } } } }
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
  )";
  const std::string tasks = R"(
    scenes { name: "shop" tasks: ["rating", "click"] }
    tasks { name: "rating" regression {} }
    tasks { name: "click" binary {} }
  )";
  auto loaded = Load(features, tasks);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->log_offset, 320u);
  EXPECT_EQ(loaded->learner->counters().step, 10u);
  ExpectTheOldScores(*loaded->learner);
  for (int i = 0; i < 5; ++i) {
    EXPECT_NEAR(Learn(*loaded->learner, Rows(4 * i)).loss, Learn(*old_, Rows(4 * i)).loss, 1e-3);
  }
}

TEST_P(SchemaChangeTest, ANewFeatureLeavesTheOldColumnsAsTheyAre) {
  const std::string more = R"(
    features { name: "discount" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } })";
  auto loaded = Load(more + kFeatures, kTasks);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ExpectTheOldScores(*loaded->learner);  // Its input is 0 here.
  EXPECT_THAT(loaded->changes, Contains("new: feature 'discount'"));
  EXPECT_EQ(Learn(*loaded->learner, Rows(3)).step, 11u);
}

TEST_P(SchemaChangeTest, ANewSceneAndTaskLeaveTheOldOnesAsTheyAre) {
  auto loaded = Load(kFeatures, R"(
    scenes { name: "search" tasks: ["click", "stay"] }
    scenes { name: "shop" tasks: ["click", "rating", "stay"] }
    tasks { name: "stay" binary {} }
    tasks { name: "click" binary {} }
    tasks { name: "rating" regression {} }
  )");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  if (GetParam().tasks_are_apart) ExpectTheOldScores(*loaded->learner);
  EXPECT_THAT(loaded->changes, Contains("new: scene 'search'"));
  EXPECT_THAT(loaded->changes, Contains("new: task 'stay'"));
  EXPECT_THAT(loaded->changes, Contains(HasSubstr("dropped: sums of the evaluations")));
  EXPECT_TRUE(loaded->learner->RecentEvaluation().empty());
}

TEST_P(SchemaChangeTest, ANewScenesOwnWeightsAreInitialOnes) {
  auto loaded = Load(kFeatures, absl::StrCat(kTasks, R"(scenes { name: "search" tasks: ["click"] })"));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  if (!absl::StrContains(GetParam().network, "STAR")) return;
  // Factors of 1 and biases of 0: what the shared weights alone make of a row. What `shop` makes of it is another.
  const auto plain = ParseModel(absl::StrReplaceAll(Model(kFeatures, kTasks), {{"scene_adaptation: STAR", ""}}));
  const auto network = CreateNetwork(*plain, InputWidth(*plain));
  const auto star_network = CreateNetwork(*spec_, InputWidth(*spec_));
  const auto snapshot = loaded->learner->MakeSnapshot(1, 0).value();
  const Parameters& learned = static_cast<const TorchSnapshot&>(*snapshot).parameters();
  Parameters shared;
  for (const ParameterSpec& parameter : network->layout().specs()) {
    const auto& specs = star_network->layout().specs();
    const auto it = std::find_if(specs.begin(), specs.end(), [&](const auto& s) { return s.name == parameter.name; });
    ASSERT_NE(it, specs.end()) << parameter.name;
    shared.values.push_back(learned.values[it - specs.begin()]);
  }
  const torch::Tensor inputs = torch::randn({4, InputWidth(*spec_)});
  const std::vector<WantedTask> click = {{0, torch::Tensor()}};
  const std::vector<int32_t> shop(4, 0), search(4, 1);
  const torch::Tensor expected = network->Forward(shared, inputs, shop, click)[0];
  EXPECT_TRUE(torch::allclose(star_network->Forward(learned, inputs, search, click)[0], expected, 1e-5, 1e-6));
  EXPECT_FALSE(torch::allclose(star_network->Forward(learned, inputs, shop, click)[0], expected, 1e-3, 1e-4));
}

TEST_P(SchemaChangeTest, ARemovedFeatureGoesWithItsTable) {
  const std::string features = absl::StrReplaceAll(
      kFeatures,
      {{R"(features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } })", ""}});
  auto loaded = Load(features, kTasks);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->changes, Contains("dropped: feature 'item'"));
  EXPECT_THAT(loaded->changes, Contains("dropped: embedding table 'item'"));
  ASSERT_EQ(loaded->learner->tables().size(), 2u);
  EXPECT_EQ(loaded->learner->tables()[0].rows, 2u);           // brand
  EXPECT_EQ(loaded->learner->tables()[1].rows, 7u);           // user
  EXPECT_FALSE(loaded->learner->RecentEvaluation().empty());  // Scenes and tasks are the same.
  Learn(*loaded->learner, Rows(3));
  ASSERT_TRUE(loaded->learner->SaveCheckpoint(directory_.path() / "new", 0).ok());
  EXPECT_TRUE(InspectCheckpoint(directory_.path() / "new").damage.ok());
}

TEST_P(SchemaChangeTest, TakingOverTwiceGivesTheSameBits) {
  const std::string more = R"(features { name: "shop_id" side: CONTEXT type: INT64
                              encode { hash { embedding { dimension: 2 } } } })";
  std::vector<std::string> digests;
  for (const char* name : {"one", "two"}) {
    auto loaded = Load(more + kFeatures, kTasks);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    Learn(*loaded->learner, Rows(3));
    ASSERT_TRUE(loaded->learner->SaveCheckpoint(directory_.path() / name, 0).ok());
    digests.push_back(InspectCheckpoint(directory_.path() / name).state_digest);
  }
  EXPECT_EQ(digests[0], digests[1]);
}

TEST_P(SchemaChangeTest, WhatMeansSomethingElseNowIsRefusedWithTheReasonAndTheWayOut) {
  struct Conflict {
    const char* from;
    const char* to;
    const char* reason;
  };
  for (const Conflict& conflict : {
           Conflict{"\"item\" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4",
                    "\"item\" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 8",
                    "embedding table 'item': its dimension was 4, is 8"},
           Conflict{"\"item\" side: CONTEXT type: INT64", "\"item\" side: CONTEXT type: STRING",
                    "feature 'item': its value type changed"},
           Conflict{"[\"a\", \"b\"]", "[\"b\", \"a\"]", "embedding table 'brand': its vocabulary changed"},
           Conflict{"\"item\" side: CONTEXT type: INT64", "\"item\" side: CONTEXT type: INT64 sequence {}",
                    "feature 'item': it is a sequence now"},
           Conflict{"\"rating\" regression {}", "\"rating\" regression { transform { scale: 2 } }",
                    "task 'rating': its transform changed"},
           Conflict{"\"rating\" regression {}", "\"rating\" regression { loss { poisson {} } }",
                    "task 'rating': its loss is poisson"},
           Conflict{"\"rating\" regression {}", "\"rating\" binary {}", "task 'rating': its kind changed"},
           Conflict{"hidden: [6", "hidden: [7", "network: its kind, its widths"},
       }) {
    const std::string text = absl::StrReplaceAll(Model(kFeatures, kTasks), {{conflict.from, conflict.to}});
    const auto spec = ParseModel(text);
    ASSERT_NE(spec->fingerprint(), old_spec_->fingerprint()) << conflict.reason;
    const absl::Status status = LoadLearner(spec, LearnerOptions(), path_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << conflict.reason;
    for (const std::string& part : {std::string(conflict.reason), old_spec_->fingerprint_hex(), spec->fingerprint_hex(),
                                    std::string("'shop model'"), std::string("--from_log")}) {
      EXPECT_THAT(std::string(status.message()), HasSubstr(part));
    }
  }
}

TEST_P(SchemaChangeTest, AVocabularyMayGrow) {
  EXPECT_TRUE(Load(absl::StrReplaceAll(kFeatures, {{"[\"a\", \"b\"]", "[\"a\", \"b\", \"c\"]"}}), kTasks).ok());
  ExpectTheOldScores(
      *Load(absl::StrReplaceAll(kFeatures, {{"[\"a\", \"b\"]", "[\"a\", \"b\", \"c\"]"}}), kTasks)->learner);
}

INSTANTIATE_TEST_SUITE_P(Networks, SchemaChangeTest,
                         testing::Values(Architecture{"shared_bottom",
                                                      "network { shared_bottom { hidden: [6] } tower: [3] }"},
                                         Architecture{"mmoe",
                                                      "network { mmoe { experts: 3 hidden: [6, 5] } tower: [4] "
                                                      "scene_adaptation: SCENE_EMBEDDING }"},
                                         Architecture{"ple_star",
                                                      "network { ple { task_experts: 2 hidden: [6, 5] } tower: [4] "
                                                      "scene_adaptation: STAR }"},
                                         // The new task's experts enter the shared ones' mix of a second layer.
                                         Architecture{"ple_gate",
                                                      "network { ple { layers: 2 hidden: [6] } tower: [4] "
                                                      "scene_adaptation: GATE }",
                                                      /*tasks_are_apart=*/false},
                                         Architecture{"single", "network { single { hidden: [6] } tower: [3] }"},
                                         Architecture{"mmoe_gate_cross",
                                                      "network { mmoe { experts: 2 hidden: [6] } "
                                                      "scene_adaptation: GATE interaction { cross { layers: 1 } } }"},
                                         Architecture{"star_low_rank_cross",
                                                      "network { shared_bottom { hidden: [6] } scene_adaptation: STAR "
                                                      "interaction { cross { rank: 3 } } }"}),
                         [](const auto& info) { return info.param.name; });

TEST(ChangedLossTest, IsNoDriftAndBeginsAnew) {
  const auto model = [](const std::string& click) {
    return ParseModel(absl::StrReplaceAll(R"(
      name: "shop model"
      features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
      scenes { name: "shop" tasks: ["click", "buy"] }
      tasks { name: "click" $0 }
      tasks { name: "buy" binary {} }
      network { shared_bottom { hidden: [4] } }
      dense_optimizer { adam { learning_rate: 0.05 } }
      learning { drift { page_hinkley { minimum_rows: 2 } } })",
                                          {{"$0", click}}));
  };
  const auto learner = NewLearner(model("binary {}"));
  for (int step = 0; step < 40; ++step) {
    OwnedExamples rows;
    rows.features.rows = 8;
    rows.features.Add("item", ValueType::kInt64).ints = {1, 2, 1, 2, 1, 2, 1, 2};
    for (const char* task : {"click", "buy"}) {
      OwnedExamples::TaskLabels labels{task, {}, {}};
      // At last the other way round, so that losses rise.
      for (int i = 0; i < 8; ++i) labels.values.push_back((i % 2 == 0) == (step < 38) ? 1.0f : 0.0f);
      rows.labels.push_back(labels);
    }
    Learn(*learner, rows);
  }
  const TempDirectory directory;
  ASSERT_TRUE(learner->SaveCheckpoint(directory.path() / "saved", 0).ok());
  const auto level = [&](const std::string& click, size_t task) {
    const auto loaded = LoadLearner(model(click), LearnerOptions(), directory.path() / "saved");
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded->learner->drift()[task].level;
  };
  ASSERT_GT(learner->drift()[0].level, 0);
  EXPECT_EQ(level("binary {}", 0), learner->drift()[0].level);
  EXPECT_EQ(level("binary { focal { gamma: 1 } }", 0), 0);
  EXPECT_EQ(level("binary { focal { gamma: 1 } }", 1), learner->drift()[1].level);

  const auto fading = [&](const std::string& click) {
    return LoadLearner(model(click), LearnerOptions(), directory.path() / "saved")->learner->FadingFigures();
  };
  EXPECT_EQ(fading("binary {}").size(), learner->FadingFigures().size());
  const auto of_buys = fading("binary { focal { gamma: 1 } }");
  ASSERT_FALSE(of_buys.empty());
  for (const EvaluationFigure& figure : of_buys) EXPECT_EQ(figure.task, "buy");
}

}  // namespace
}  // namespace polyscene
