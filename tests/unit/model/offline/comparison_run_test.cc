// polyscene-train --compare.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/model/offline/train_runs_fixture.h"

namespace polyscene {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

using ComparisonRunTest = TrainRunsTest;

TEST_F(ComparisonRunTest, EachModelsFirstRunIsWhatTheModelAloneGives) {
  const std::string a = WriteModel("a.textproto");
  const std::string b = WriteModel("b.textproto", {{"hidden: [8]", "hidden: [6]"}});
  const std::string rows = WriteRows("rows.csv", 400);
  const std::vector<std::string> data = {"--train", rows, "--split", "2024-01-16", "--epochs", "3", "--seed", "4"};
  std::vector<std::string> words = {"--compare", a, b, "--seeds", "2", "--json"};
  words.insert(words.end(), data.begin(), data.end());
  const Result compared = Train(words);
  ASSERT_TRUE(compared.status.ok()) << compared.status;
  const json models = compared.json()["models"];
  ASSERT_EQ(models.size(), 2u);
  for (size_t m = 0; m < 2; ++m) {
    words = {"--model", m == 0 ? a : b, "--out", Path(m == 0 ? "ck_a" : "ck_b"), "--json"};
    words.insert(words.end(), data.begin(), data.end());
    const json alone = Train(words).json();
    EXPECT_EQ(models[m]["seeds"][0]["evaluation"], alone["evaluation"]);
    EXPECT_EQ(models[m]["seeds"][0]["test_loss"], alone["test_loss"]);
    EXPECT_EQ(models[m]["seeds"][0]["seed"], 4);
    EXPECT_EQ(models[m]["seeds"][1]["seed"], 5);
    EXPECT_NE(models[m]["seeds"][1]["test_loss"], alone["test_loss"]) << "another seed is another run";
    EXPECT_EQ(models[m]["train_rows"], 300);
    EXPECT_EQ(models[m]["test_rows"], 100);
    EXPECT_EQ(models[m]["table_rows"]["value"], 11);
    EXPECT_GT(models[m]["seconds"]["value"], 0);
  }
  // 5 inputs (4 of the user, the price) x hidden, a tower of 4 and a head for each of the two tasks.
  EXPECT_EQ(models[0]["parameters"], 5 * 8 + 8 + 2 * (8 * 4 + 4 + 4 + 1));
  EXPECT_EQ(models[1]["parameters"], 5 * 6 + 6 + 2 * (6 * 4 + 4 + 4 + 1));
  const json& first = models[0]["evaluation"][0];
  const double one = models[0]["seeds"][0]["evaluation"][0]["value"],
               two = models[0]["seeds"][1]["evaluation"][0]["value"];
  EXPECT_NEAR(first["value"], (one + two) / 2, 1e-12);
  EXPECT_NEAR(first["deviation"], std::abs(one - two) / std::sqrt(2), 1e-12);
}

TEST_F(ComparisonRunTest, TheTableMarksTheBest) {
  const Result compared =
      Train({"--compare", WriteModel("learning.textproto"),
             WriteModel("sleeping.textproto",
                        {{"learning {", "dense_optimizer { sgd { learning_rate: 1e-9 } }\nlearning {"}}),
             "--train", WriteRows("rows.csv", 400), "--split", "2024-01-16", "--epochs", "20"});
  ASSERT_TRUE(compared.status.ok()) << compared.status;
  EXPECT_THAT(compared.out, testing::ContainsRegex("\n\\* +spend +mse +75 +[-0-9.e]+ \\* +[0-9.]+\n"));
  EXPECT_THAT(compared.out, HasSubstr("peak memory"));
  EXPECT_THAT(compared.log, HasSubstr("sleeping run 1/1  epoch 20/20"));
}

TEST_F(ComparisonRunTest, AModelFileThatFailsIsToldAndSinksNoOther) {
  const std::string broken = Write("broken.textproto", "name: \"shop\" nonsense: 1\n");
  // Of the scene "shop" alone, this one has a task without a single label.
  const std::string unlabelled = WriteModel(
      "unlabelled.textproto",
      {{"tasks { name: \"spend\"", "tasks { name: \"none\" binary {} column: \"empty\" }\ntasks { name: \"spend\""},
       {"[\"click\", \"spend\"]", "[\"click\", \"spend\", \"none\"]"}});
  std::string text = "request,scene,time,user,price,click,spend,empty\n";
  for (int r = 0; r < 40; ++r) absl::StrAppend(&text, "q,shop,2024-01-", 10 + r / 4, ",", r, ",1,", r % 2, ",1,\n");
  const Result compared = Train({"--compare", broken, unlabelled, WriteModel("good.textproto"), "--train",
                                 Write("rows.csv", text), "--split", "2024-01-18", "--json"});
  EXPECT_TRUE(absl::IsInvalidArgument(compared.status)) << compared.status;
  EXPECT_THAT(compared.status.message(), HasSubstr("broken.textproto:1:"));
  const json models = compared.json()["models"];
  EXPECT_THAT(models[0]["error"], HasSubstr("nonsense"));
  EXPECT_THAT(models[1]["error"], HasSubstr("task 'none': of the 32 training rows none has its label"));
  EXPECT_FALSE(models[2].contains("error"));
  EXPECT_EQ(models[2]["seeds"].size(), 1u);
  EXPECT_GT(models[2]["evaluation"].size(), 0u);
}

TEST_F(ComparisonRunTest, ModelFilesThatReadTheDataInOtherWaysAreRefusedBeforeAnythingIsTrained) {
  const Result compared =
      Train({"--compare", WriteModel("a.textproto"),
             WriteModel("b.textproto", {{"regression {}", "regression { transform { log1p: true } }"}}), "--train",
             WriteRows("rows.csv", 40), "--test", Path("rows.csv")});
  EXPECT_TRUE(absl::IsInvalidArgument(compared.status)) << compared.status;
  EXPECT_THAT(compared.status.message(), HasSubstr("task 'spend', scale of evaluation: as labelled in "));
  EXPECT_THAT(compared.log, Not(HasSubstr("epoch")));
  EXPECT_EQ(compared.out, "");
}

TEST_F(ComparisonRunTest, WhatOneModelLeavesOutIsTold) {
  const Result compared = Train(
      {"--compare", WriteModel("a.textproto"),
       WriteModel(
           "b.textproto",
           {{"features { name: \"user\" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }",
             ""}}),
       "--train", WriteRows("rows.csv", 40), "--test", Path("rows.csv")});
  ASSERT_TRUE(compared.status.ok()) << compared.status;
  EXPECT_THAT(compared.log, HasSubstr("feature 'user': " + Path("b.textproto") + " does not have it"));
}

}  // namespace
}  // namespace polyscene
