// What columns are taken for.
#include <gmock/gmock.h>

#include "tests/unit/client/modelfile/init_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using RolesTest = InitTest;

std::string Day(int i) { return absl::StrCat("2024-0", 1 + i / 2800, "-", 10 + i / 100 % 18); }

TEST_F(RolesTest, AnEventFileIsUnderstoodWhole) {
  const InitResult result =
      Init(Csv("event_id,event_time,scene,request_id,user_id,item_id,price,click,spend,label_time", 2000, [](int i) {
        return absl::StrCat(i, ",", Day(i), ",", i % 3 ? "search" : "home", ",r", i / 5, ",u", i / 5 % 40, ",i",
                            Noise(i, 1, 90), ",", Noise(i, 2, 83), ".5,", (Noise(i, 3, 7) == 0), ",",
                            (Noise(i, 3, 7) == 0) ? absl::StrCat(i % 31, ".25") : "", ",", Day(i + 100));
      }));
  EXPECT_EQ(RoleOf(result, "event_id"), "left out");
  EXPECT_EQ(RoleOf(result, "event_time"), "event time");
  EXPECT_EQ(RoleOf(result, "scene"), "scene");
  EXPECT_EQ(RoleOf(result, "request_id"), "request id");
  EXPECT_EQ(RoleOf(result, "label_time"), "label time");
  EXPECT_EQ(RoleOf(result, "click"), "label");
  EXPECT_TRUE(FeatureOf(result, "user_id").personal());
  EXPECT_EQ(FeatureOf(result, "user_id").side(), v1::CONTEXT);
  EXPECT_EQ(FeatureOf(result, "item_id").side(), v1::CANDIDATE);
  EXPECT_EQ(FeatureOf(result, "price").side(), v1::CANDIDATE);
  EXPECT_TRUE(TaskOf(result, "click").has_binary());
  EXPECT_EQ(result.proposal.file.files().event_time_column(), "event_time");
  EXPECT_EQ(result.proposal.file.scenes_size(), 2);
  EXPECT_EQ(result.proposal.file.scenes(0).rank_by().factors(0).task(), "click");
}

TEST_F(RolesTest, ASceneWithoutLabelsOfATaskDoesNotHaveIt) {
  const InitResult result = Init(Csv("scene,kind,click,churn", 200, [](int i) {
    return i % 2 ? absl::StrCat("shop,", i % 9, ",", Noise(i, 1, 3) == 0, ",")
                 : absl::StrCat("mail,", i % 9, ",,", Noise(i, 2, 5) == 0);
  }));
  const auto& scenes = result.proposal.file.scenes();
  EXPECT_EQ(scenes[0].name(), "mail");
  EXPECT_THAT(scenes[0].tasks(), ElementsAre("churn"));
  EXPECT_THAT(scenes[1].tasks(), ElementsAre("click"));
}

TEST_F(RolesTest, AColumnCalledSceneWhoseValuesAreNoNamesIsNotReadAsScenes) {
  const std::string csv = Csv("scene,kind,click", 100,
                              [](int i) { return absl::StrCat("a/", i % 2, ",", i % 9, ",", Noise(i, 1, 3) == 0); });
  const InitResult result = Init(csv);
  EXPECT_EQ(RoleOf(result, "scene"), "feature");
  EXPECT_NE(result.proposal.file.files().scene_column(), "");
  EXPECT_NE(result.proposal.file.files().scene_column(), "scene");
  EXPECT_TRUE(Doubts(result, "Is 'scene' the scene?"));
}

TEST_F(RolesTest, WhatIsKnownLaterIsLeftOutAndSaid) {
  const InitResult result = Init(Csv("event_date,booking_date,refund_amount,kind,y", 300, [](int i) {
    return absl::StrCat(Day(i), ",2023-05-0", 1 + i % 9, ",", i % 4, ",", i % 9, ",", Noise(i, 1, 3) == 0);
  }));
  EXPECT_EQ(RoleOf(result, "refund_amount"), "left out");
  EXPECT_EQ(RoleOf(result, "booking_date"), "left out");
  EXPECT_TRUE(Doubts(result, "Is 'refund_amount' known"));
  EXPECT_THAT(GuessesText(result, ""), HasSubstr("before 'event_date' in 100 % of the rows"));
}

TEST_F(RolesTest, AFeatureThatIsTheLabelInDisguiseIsLeftOutUnlessTheUserSaysItIsKnown) {
  const std::string csv = Csv("kind,disguise,other,y", 1000, [](int i) {
    return absl::StrCat(Noise(i, 1, 9), ",", i % 3 == 0 ? "left" : "stayed", ",", Noise(i, 2, 101), ",", i % 3 == 0);
  });
  const InitResult result = Init(csv);
  EXPECT_EQ(RoleOf(result, "disguise"), "left out");
  EXPECT_TRUE(Doubts(result, "Is 'disguise' really known before 'y'?"));
  EXPECT_EQ(RoleOf(result, "other"), "feature");

  EXPECT_EQ(RoleOf(Init(csv, {.contexts = {"disguise"}}), "disguise"), "feature");
}

TEST_F(RolesTest, TextThatIsALabelByNameIsNoFeatureAndIsToldHowToBecomeANumber) {
  const InitResult result = Init(Csv("kind,churned,amount", 100, [](int i) {
    return absl::StrCat(i % 9, ",", i % 3 ? "no" : "yes", ",", Noise(i, 1, 50));
  }));
  EXPECT_EQ(RoleOf(result, "churned"), "left out");
  EXPECT_TRUE(Doubts(result, "write 'no' as 0, 'yes' as 1"));
  EXPECT_EQ(RoleOf(result, "amount"), "label") << "something must be learned";
  EXPECT_TRUE(Doubts(result, "What is to be predicted?"));
}

TEST_F(RolesTest, KindsOfTasksFollowTheirValues) {
  const InitResult result =
      Init(Csv("kind,y_click,y_class,y_left,y_spend,y_units_1,y_units_2,y_units_3", 600, [](int i) {
        return absl::StrCat(i % 9, ",", Noise(i, 1, 2), ",", i * 7 % 4, ",",
                            (i % 64 >= 32) + (i % 64 >= 48) + (i % 64 >= 58), ",", 1 << (i % 12), ",", i % 5, ",",
                            i % 6, ",", i % 7);
      }));
  EXPECT_TRUE(TaskOf(result, "y_click").has_binary());
  EXPECT_EQ(TaskOf(result, "y_class").multi_class().classes(), 4);
  EXPECT_TRUE(TaskOf(result, "y_left").has_regression()) << "fewer of each next number: a count";
  EXPECT_TRUE(Doubts(result, "Is 'y_left' (4 whole numbers) a class or an amount?"));
  EXPECT_TRUE(TaskOf(result, "y_spend").regression().transform().log1p());
  EXPECT_EQ(TaskOf(result, "y_units").forecast().horizon(), 3);
  EXPECT_EQ(result.proposal.file.tasks_size(), 5);
}

TEST_F(RolesTest, ALabelIsScaledAsTheSampleHasIt) {
  const InitResult result = Init("kind,y\n1,10\n2,20\n1,30\n2,40\n");
  const v1::Transform& transform = TaskOf(result, "y").regression().transform();
  EXPECT_DOUBLE_EQ(transform.center(), 25);
  EXPECT_DOUBLE_EQ(transform.scale(), 11.2);  // sqrt(125) = 11.18, as a person would write it.
}

TEST_F(RolesTest, ALabelFarFromZeroKeepsItsSpread) {
  const InitResult result =
      Init(Csv("kind,y", 100, [](int i) { return absl::StrCat(i % 9, ",", 16'777'000 + 2 * (i % 3)); }));
  const v1::Transform& transform = TaskOf(result, "y").regression().transform();
  EXPECT_NEAR(transform.center(), 16'777'002, 0.1);
  EXPECT_NEAR(transform.scale(), 1.63, 0.02);
}

TEST_F(RolesTest, SidesFollowTheRowsOfOneRequest) {
  const InitResult result = Init(Csv("session_id,country,step,prev_shade,shade,y", 600, [](int i) {
    return absl::StrCat(i / 6, ",", i / 6 % 4, ",", i % 6, ",s", Noise(i, 2, 5), ",s", Noise(i, 3, 5), ",",
                        Noise(i, 1, 4) == 0);
  }));
  EXPECT_EQ(FeatureOf(result, "country").side(), v1::CONTEXT) << "the rows of one session share it";
  EXPECT_EQ(FeatureOf(result, "step").side(), v1::CONTEXT) << "it only grows";
  EXPECT_EQ(FeatureOf(result, "prev_shade").side(), v1::CONTEXT) << "by its name";
  EXPECT_EQ(FeatureOf(result, "shade").side(), v1::CANDIDATE);
  EXPECT_EQ(FeatureOf(result, "prev_shade").encode(0).hash().embedding().table(), "shade");
}

TEST_F(RolesTest, EncodingsFollowTypesAndSpread) {
  const InitResult result = Init(Csv("tags,ids,zip,flag,gaps,n_visits,income_level,y", 500, [](int i) {
    return absl::StrCat("t", i % 7, "|t", i % 3, ",", i % 5, "|", i % 9, ",0", 1000 + i % 40, ",", i % 2, ",",
                        i % 4 ? "3.0" : "", ",", (i % 10) * (i % 10), ",", i % 50, ".75,", Noise(i, 1, 3) == 0);
  }));
  EXPECT_TRUE(FeatureOf(result, "tags").has_sequence());
  EXPECT_EQ(FeatureOf(result, "tags").type(), v1::STRING);
  EXPECT_EQ(FeatureOf(result, "ids").type(), v1::INT64);
  EXPECT_EQ(FeatureOf(result, "zip").type(), v1::STRING) << "01000 is no number";
  EXPECT_EQ(FeatureOf(result, "flag").encode(0).numeric().scaling(), v1::Numeric::NONE);
  EXPECT_EQ(FeatureOf(result, "gaps").type(), v1::INT64)
      << "whole numbers as some tools write them where some are missing";
  EXPECT_TRUE(FeatureOf(result, "n_visits").encode(1).has_bucketize());
  EXPECT_EQ(FeatureOf(result, "income_level").type(), v1::FLOAT);
}

TEST_F(RolesTest, NumbersAmongWhichTextStandsForMissingAreToldHowToBecomeNumbers) {
  const InitResult result = Init(
      Csv("age,y", 200, [](int i) { return absl::StrCat(i % 10 ? absl::StrCat(i % 60) : "NA", ",", Noise(i, 1, 2)); }));
  EXPECT_EQ(FeatureOf(result, "age").type(), v1::STRING);
  EXPECT_TRUE(Doubts(result, "'age' holds numbers, and 'NA' in 20 rows"));
}

TEST_F(RolesTest, WishesWin) {
  const std::string csv = Csv("when,where,a,b,kind,click", 200, [](int i) {
    return absl::StrCat(1700000000 + i, ",", i % 2 ? "n" : "s", ",", Noise(i, 2, 8), ",", i % 5, ",", Noise(i, 4, 6),
                        ",", Noise(i, 1, 3) == 0);
  });
  const InitResult result =
      Init(csv, {.scene_column = "where", .time_column = "when", .labels = {"a"}, .ignored = {"b"}});
  EXPECT_EQ(RoleOf(result, "where"), "scene");
  EXPECT_EQ(RoleOf(result, "when"), "event time");
  EXPECT_EQ(RoleOf(result, "a"), "label");
  EXPECT_EQ(RoleOf(result, "b"), "left out");
  EXPECT_EQ(RoleOf(result, "click"), "left out") << "an outcome that is not asked for must not be an input";
}

TEST_F(RolesTest, AWishThatCannotBeGrantedSaysWhy) {
  const std::string csv = "kind,word,click\na,x,1\nb,y,0\n";
  const auto message = [&](const Wishes& wishes) { return std::string(TryInit(csv, wishes).status().message()); };
  EXPECT_THAT(message({.labels = {"clik"}}), HasSubstr("--label: there is no column 'clik'; did you mean 'click'?"));
  EXPECT_THAT(message({.labels = {"word"}}), HasSubstr("column 'word' holds 'x'; expected numbers"));
  EXPECT_THAT(message({.time_column = "word"}), HasSubstr("--time_column: column 'word' holds 'x'"));
  EXPECT_THAT(message({.labels = {"click"}, .contexts = {"click"}}), HasSubstr("expected one role a column"));
}

}  // namespace
}  // namespace polyscene
