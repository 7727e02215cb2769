// Whatever the optimizer and the loss balance, a checkpoint holds all that the next steps depend on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "model/learning/inspection.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

constexpr char kTasks[] = R"(
  tasks { name: "click" binary {} }
  tasks { name: "rating" regression {} weight: 0.5 }
)";
constexpr char kTasksTheOtherWay[] = R"(
  tasks { name: "rating" regression {} weight: 0.5 }
  tasks { name: "click" binary {} }
)";

std::string ModelText(const std::string& tasks, const std::string& settings) {
  return absl::StrCat(R"(
    name: "state"
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    features { name: "x" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }
    scenes { name: "shop" tasks: ["click", "rating"] }
    scenes { name: "search" tasks: ["rating", "click"] }
    network { shared_bottom { hidden: [8] } tower: [4] }
  )",
                      tasks, settings);
}

OwnedExamples Rows(int step) {
  OwnedExamples rows;
  rows.scene = step % 3 == 0 ? "search" : "shop";
  rows.features.rows = 32;
  std::vector<int64_t> items;
  std::vector<float> xs, clicks, ratings;
  for (int r = 0; r < 32; ++r) {
    const int64_t item = (r * 7 + step * 11) % 23;
    items.push_back(item);
    xs.push_back(static_cast<float>((r * 5 + step) % 17) / 17);
    clicks.push_back(static_cast<float>(item % 2));
    ratings.push_back(0.3f * static_cast<float>(item % 5) - xs.back());
  }
  rows.features.Add("item", ValueType::kInt64).ints = items;
  rows.features.Add("x", ValueType::kFloat).floats = xs;
  rows.labels = {{"click", clicks, {}}, {"rating", ratings, {}}};
  return rows;
}

struct Settings {
  const char* name;
  const char* text;
};
void PrintTo(const Settings& settings, std::ostream* out) { *out << settings.text; }

class LearningStateTest : public testing::TestWithParam<Settings> {
 protected:
  std::string Text(const std::string& tasks = kTasks) const { return ModelText(tasks, GetParam().text); }
  std::string Digest(Learner& learner, const char* name) {
    EXPECT_TRUE(learner.SaveCheckpoint(directory_.path() / name, 0).ok());
    return InspectCheckpoint(directory_.path() / name).state_digest;
  }

  TempDirectory directory_;
  const std::shared_ptr<const ModelSpec> spec_ = ParseModel(Text());
  const std::unique_ptr<Learner> learner_ = NewLearner(spec_);
};

TEST_P(LearningStateTest, SaveLoadContinueEqualsNoBreakToTheBit) {
  for (int step = 0; step < 13; ++step) Learn(*learner_, Rows(step));
  ASSERT_TRUE(learner_->SaveCheckpoint(directory_.path() / "middle", 0).ok());
  auto loaded = LoadLearner(spec_, LearnerOptions(), directory_.path() / "middle");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE(loaded->changes.empty());

  for (int step = 13; step < 30; ++step) {
    ASSERT_EQ(Learn(*learner_, Rows(step)).loss, Learn(*loaded->learner, Rows(step)).loss) << "step " << step;
  }
  EXPECT_EQ(Digest(*learner_, "unbroken"), Digest(*loaded->learner, "continued"));
}

TEST_P(LearningStateTest, TasksInAnotherOrderLearnOnAsBefore) {
  for (int step = 0; step < 13; ++step) Learn(*learner_, Rows(step));
  ASSERT_TRUE(learner_->SaveCheckpoint(directory_.path() / "middle", 0).ok());
  auto loaded = LoadLearner(ParseModel(Text(kTasksTheOtherWay)), LearnerOptions(), directory_.path() / "middle");
  ASSERT_TRUE(loaded.ok()) << loaded.status();

  for (int step = 13; step < 30; ++step) {
    const double loss = Learn(*learner_, Rows(step)).loss;
    EXPECT_NEAR(Learn(*loaded->learner, Rows(step)).loss, loss, 1e-4 * loss) << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Optimizers, LearningStateTest,
    testing::Values(Settings{"Sgd", "dense_optimizer { sgd {} }"},
                    Settings{"Momentum", "dense_optimizer { sgd { learning_rate: 0.005 momentum: 0.9 } }"},
                    Settings{"Adam", "dense_optimizer { adam {} }"},
                    Settings{"AdamW", "dense_optimizer { adam_w { learning_rate: 0.01 } clip_norm: 1 }"},
                    Settings{"Adagrad", "dense_optimizer { adagrad {} tower_factor: 3 }"},
                    Settings{"Schedule",
                             "dense_optimizer { adam { learning_rate: 0.01 } schedule { warm_up_steps: 10 floor: 0.01 "
                             "exponential { half_life_steps: 5 } } }"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    LossBalances, LearningStateTest,
    testing::Values(
        Settings{"Measured", "loss_balance { measure_every_steps: 5 }"},
        Settings{"Uncertainty", "loss_balance { uncertainty { learning_rate: 0.05 } measure_every_steps: 4 }"},
        Settings{"GradNorm", "loss_balance { grad_norm { every_steps: 4 learning_rate: 0.2 } }"},
        Settings{"DynamicWeightAverage", "loss_balance { dynamic_weight_average { span_steps: 5 temperature: 0.5 } }"},
        Settings{"Pcgrad", "loss_balance { pcgrad: true }"},
        Settings{"PcgradAndGradNorm",
                 "loss_balance { pcgrad: true grad_norm { every_steps: 3 } measure_every_steps: 2 }"}),
    [](const auto& info) { return info.param.name; });

TEST(BalanceStateTest, ABalanceOfAnotherKindStartsAfreshAndSaysSo) {
  TempDirectory directory;
  const auto learner = NewLearner(ParseModel(ModelText(kTasks, "loss_balance { uncertainty { learning_rate: 0.5 } }")));
  for (int step = 0; step < 5; ++step) Learn(*learner, Rows(step));
  ASSERT_TRUE(learner->SaveCheckpoint(directory.path() / "uncertainty", 0).ok());
  const auto spec = ParseModel(ModelText(kTasks, "loss_balance { grad_norm {} }"));
  auto loaded = LoadLearner(spec, LearnerOptions(), directory.path() / "uncertainty");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->changes, testing::Contains("new: state of the loss balance, which is of another kind"));
  EXPECT_THAT(loaded->learner->balance().task_weights, testing::ElementsAre(1, 0.5));
}

TEST(OptimizerStateTest, FromAdamToAdamWTheMomentsAreKept) {
  TempDirectory directory;
  const auto learner = NewLearner(ParseModel(ModelText(kTasks, "dense_optimizer { adam {} }")));
  for (int step = 0; step < 5; ++step) Learn(*learner, Rows(step));
  ASSERT_TRUE(learner->SaveCheckpoint(directory.path() / "adam", 0).ok());

  // With a decay that rounds to nothing it goes on just as Adam does.
  const auto decoupled = ParseModel(ModelText(kTasks, "dense_optimizer { adam_w { weight_decay: 1e-30 } }"));
  auto loaded = LoadLearner(decoupled, LearnerOptions(), directory.path() / "adam");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE(loaded->changes.empty());
  for (int step = 5; step < 10; ++step) {
    EXPECT_EQ(Learn(*learner, Rows(step)).loss, Learn(*loaded->learner, Rows(step)).loss);
  }
}

TEST(OptimizerStateTest, AnOptimizerOfAnotherKindStartsAfreshAndSaysSo) {
  TempDirectory directory;
  const auto learner = NewLearner(ParseModel(ModelText(kTasks, "dense_optimizer { sgd {} }")));
  Learn(*learner, Rows(0));
  ASSERT_TRUE(learner->SaveCheckpoint(directory.path() / "sgd", 0).ok());
  for (const char* other : {"dense_optimizer { sgd { momentum: 0.5 } }", "dense_optimizer { adagrad {} }"}) {
    auto loaded = LoadLearner(ParseModel(ModelText(kTasks, other)), LearnerOptions(), directory.path() / "sgd");
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_THAT(loaded->changes, testing::Contains("new: state of the dense optimizer, which is of another kind"));
    Learn(*loaded->learner, Rows(1));
  }
}

}  // namespace
}  // namespace polyscene
