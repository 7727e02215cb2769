// Mistakes in what tasks have to do with each other, each told at its place, which '^' marks.
#include <gmock/gmock.h>

#include "tests/unit/model/spec/model_text.h"

namespace polyscene {
namespace {

using Case = MistakeCase;

class TaskRelationMistake : public testing::TestWithParam<Case> {};

TEST_P(TaskRelationMistake, IsToldWhereItStands) {
  const Told told = Tell(Changed(GetParam().from, GetParam().to), GetParam().whats);
  EXPECT_EQ(told.got, told.want);
}

// More tasks, in scene home; `click` is in search as well.
constexpr char kHome[] = R"("demand"]
  features: ["user_id", "item", "price"]
}
)";
#define IN_HOME(names, tasks) "\"demand\", " names "]\n  features: [\"user_id\", \"item\", \"price\"]\n}\n" tasks

INSTANTIATE_TEST_SUITE_P(
    Products, TaskRelationMistake,
    testing::Values(
        Case{"OneFactor", kHome, IN_HOME("\"bought\"", "tasks { name: \"bought\" ^product { tasks: [\"click\"] } }\n"),
             "product of task 'bought' lists 1 tasks, expected 2 to 8"},
        Case{"NoFactors", kHome, IN_HOME("\"bought\"", "tasks { name: \"bought\" ^product { } }\n"),
             "product of task 'bought' lists 0 tasks, expected 2 to 8"},
        Case{"UnknownFactor", kHome,
             IN_HOME("\"bought\"", "tasks { name: \"bought\" product { tasks: [\"click\", ^\"clikc\"] } }\n"),
             "there is no task 'clikc'; did you mean 'click'?"},
        Case{"FactorThatIsNotBinary", kHome,
             IN_HOME("\"bought\"", "tasks { name: \"bought\" product { tasks: [\"click\", ^\"spend\"] } }\n"),
             "product of task 'bought' names 'spend', a regression task, expected a binary task"},
        Case{"FactorAgain", kHome,
             IN_HOME("\"bought\"", "tasks { name: \"bought\" product { tasks: [\"click\", ^\"click\"] } }\n"),
             "product of task 'bought' names 'click' again, expected each once"},
        Case{"Itself", kHome,
             IN_HOME("\"bought\"", "tasks { name: \"bought\" product { tasks: [\"click\", ^\"bought\"] } }\n"),
             "product of task 'bought' names 'bought', a product, expected its factors instead"},
        Case{"FactorThatIsAProduct", kHome,
             IN_HOME("\"buy\", \"bought\", \"kept\"",
                     "tasks { name: \"buy\" binary { } }\n"
                     "tasks { name: \"bought\" product { tasks: [\"click\", \"buy\"] } }\n"
                     "tasks { name: \"kept\" product { tasks: [\"buy\", ^\"bought\"] } }\n"),
             "product of task 'kept' names 'bought', a product, expected its factors instead"},
        Case{"SceneWithoutAFactor", "tasks: [\"click\", \"aisle\"]\n  rank_by",
             "tasks: [\"click\", \"aisle\", ^\"bought\"]\n}\nscenes { name: \"front\" tasks: [\"click\", \"buy\"] }\n"
             "tasks { name: \"buy\" binary { } }\n"
             "tasks { name: \"bought\" product { tasks: [\"click\", \"buy\"] } }\n"
             "scenes {\n  name: \"last\" tasks: \"click\" rank_by",
             "scene 'search' has task 'bought' without 'buy', a factor of its product, expected both"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    EvaluateOnly, TaskRelationMistake,
    testing::Values(
        Case{"WithoutAProduct", "binary { }", "binary { } ^evaluate_only: true",
             "evaluate_only on task 'click', which is no factor of a product that is learned: expected it on one that "
             "is"},
        Case{"OfAProductThatIsNotLearned", kHome,
             IN_HOME("\"buy\", \"bought\"",
                     "tasks { name: \"buy\" binary { } ^evaluate_only: true }\n"
                     "tasks { name: \"bought\" product { tasks: [\"click\", \"buy\"] } evaluate_only: true }\n"),
             "evaluate_only on task 'buy', which is no factor of a product that is learned: expected it on one that "
             "is"}),
    MistakeName);

INSTANTIATE_TEST_SUITE_P(
    DefinedWhen, TaskRelationMistake,
    testing::Values(
        Case{"NoTask", "classes: 3 }", "classes: 3 } ^defined_when { }",
             "defined_when of task 'aisle' names no task, expected a binary task"},
        Case{"UnknownTask", "classes: 3 }", "classes: 3 } defined_when { ^task: \"clikc\" }",
             "there is no task 'clikc'; did you mean 'click'?"},
        Case{"TaskThatIsNotBinary", kHome,
             IN_HOME("\"cost\"", "tasks { name: \"cost\" regression { } defined_when { ^task: \"spend\" } }\n"),
             "defined_when of task 'cost' names 'spend', a regression task, expected a binary task"},
        Case{"Itself", "binary { }", "binary { } defined_when { ^task: \"click\" }",
             "defined_when of task 'click' leads back to itself (click, click), expected a task that does not"},
        Case{"ACircle", kHome,
             IN_HOME("\"buy\", \"keep\"",
                     "tasks { name: \"buy\" binary { } defined_when { ^task: \"keep\" } }\n"
                     "tasks { name: \"keep\" binary { } defined_when { ^task: \"buy\" negative: true } }\n"),
             "defined_when of task 'buy' leads back to itself (buy, keep, buy), expected a task that does not\n"
             "defined_when of task 'keep' leads back to itself (keep, buy, keep), expected a task that does not"},
        Case{"SceneWithoutTheCondition", kHome,
             "\"demand\", \"buy\"]\n features: [\"user_id\", \"item\", \"price\"] }\n"
             "tasks { name: \"buy\" binary { } defined_when { task: \"click\" } }\n"
             "scenes { name: \"last\" tasks: [\"aisle\", ^\"buy\"] }\n",
             "scene 'last' has task 'buy' without 'click', whose label its own depends on, expected both"}),
    MistakeName);

TEST(TaskRelations, AConditionIsFound) {
  const auto spec = Good(
      Changed(kHome, IN_HOME("\"buy\", \"back\"",
                             "tasks { name: \"buy\" binary { } defined_when { task: \"click\" } }\n"
                             "tasks { name: \"back\" binary { } defined_when { task: \"click\" negative: true } }\n")));
  ASSERT_NE(spec, nullptr);
  const TaskSpec& buy = spec->tasks()[spec->FindTask("buy")];
  EXPECT_EQ(buy.defined_when, spec->FindTask("click"));
  EXPECT_FALSE(buy.defined_when_negative);
  EXPECT_TRUE(spec->tasks()[spec->FindTask("back")].defined_when_negative);
  EXPECT_EQ(spec->tasks()[spec->FindTask("click")].defined_when, -1);
}

TEST(TaskRelations, AProductIsABinaryTaskWithoutATower) {
  const auto spec = Good(Changed(kHome, IN_HOME("\"buy\", \"bought\"",
                                                "tasks { name: \"bought\" product { tasks: [\"click\", \"buy\"] }\n"
                                                "        assume_negative_after_seconds: 60 }\n"
                                                "tasks { name: \"buy\" binary { } evaluate_only: true }\n")));
  ASSERT_NE(spec, nullptr);
  const TaskSpec& bought = spec->tasks()[spec->FindTask("bought")];
  EXPECT_EQ(bought.kind, TaskSpec::Kind::kBinary);
  EXPECT_EQ(bought.outputs, 1);
  EXPECT_EQ(bought.columns, std::vector<std::string>{"bought"});
  EXPECT_EQ(bought.factors, (std::vector<int>{spec->FindTask("click"), spec->FindTask("buy")}));
  EXPECT_EQ(bought.tower, -1);
  EXPECT_FALSE(bought.evaluate_only);
  const TaskSpec& buy = spec->tasks()[spec->FindTask("buy")];
  EXPECT_TRUE(buy.evaluate_only);
  ASSERT_EQ(spec->towers().size(), spec->tasks().size() - 1);
  EXPECT_EQ(spec->towers()[buy.tower], spec->FindTask("buy"));
}

// As checkpoints keep it.
TEST(TaskRelations, AFileWithItsDefaultsWrittenOutIsGoodAgain) {
  const auto spec = Good(Changed(
      kHome, IN_HOME("\"buy\", \"bought\", \"p90\", \"cost\"",
                     "tasks { name: \"buy\" binary { } evaluate_only: true calibration { platt { } } }\n"
                     "tasks { name: \"bought\" product { tasks: [\"click\", \"buy\"] } }\n"
                     "tasks { name: \"p90\" regression { loss { pinball { } } } defined_when { task: \"click\" } }\n"
                     "tasks { name: \"cost\" regression { transform { standardize: true } } }\n")));
  ASSERT_NE(spec, nullptr);
  const auto again = ModelSpec::Create(spec->file());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->fingerprint(), spec->fingerprint());
  const TaskSpec& cost = spec->tasks()[spec->FindTask("cost")];
  EXPECT_TRUE(cost.standardize);
  EXPECT_EQ(cost.scale, 1);
  EXPECT_EQ(cost.statistics, spec->statistics_count() - 1);
}

TEST(TaskRelations, AProductMayRank) {
  const auto spec = Good(Changed(
      kHome,
      IN_HOME("\"buy\", \"bought\"",
              "tasks { name: \"bought\" product { tasks: [\"click\", \"buy\"] } }\ntasks { name: \"buy\" binary { } }\n"
              "scenes { name: \"last\" tasks: [\"click\", \"buy\", \"bought\"]\n"
              "         rank_by { factors { task: \"bought\" } factors { task: \"click\" power: 0.5 } } }\n")));
  ASSERT_NE(spec, nullptr);
  EXPECT_EQ(spec->scenes().back().rank_by[0].task, spec->FindTask("bought"));
}

}  // namespace
}  // namespace polyscene
