// Requests of a load, made up or from a file.
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/load/file_requests.h"
#include "client/load/random_requests.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "polyscene/v1/prediction.pb.h"

namespace polyscene::load {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

constexpr char kModel[] = R"(
  name: "shop"
  features { name: "user" side: CONTEXT type: INT64 personal: true required: true encode { hash {} } }
  features { name: "hour" side: CONTEXT type: INT64 encode { bucketize { boundaries: 6 boundaries: 18 } } }
  features { name: "item" side: CANDIDATE type: STRING required: true encode { hash {} } }
  features { name: "colour" side: CANDIDATE type: STRING required: true
             encode { vocabulary { values: "red" values: "blue" } } }
  features { name: "price" side: CANDIDATE type: FLOAT encode { numeric { log1p: true } } }
  features { name: "tags" side: CANDIDATE type: INT64 sequence { max_length: 4 } encode { hash {} } }
  scenes { name: "search" tasks: "click" tasks: "spend" }
  scenes { name: "churn" tasks: "leaves" features: "user" features: "hour" }
  tasks { name: "click" binary {} }
  tasks { name: "spend" regression {} }
  tasks { name: "leaves" binary {} }
  files { request_id_column: "request" }
)";

v1::ModelFile Model() {
  v1::ModelFile model;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kModel, &model));
  return model;
}

v1::PredictRequest Parse(const PreparedRequest& request) {
  v1::PredictRequest parsed;
  EXPECT_TRUE(parsed.ParseFromString(request.bytes));
  EXPECT_EQ(parsed.scene(), request.scene);
  return parsed;
}

const v1::Column& ColumnOf(const v1::PredictRequest& request, const std::string& name) {
  for (const auto* columns : {&request.context(), &request.candidates()}) {
    for (const v1::Column& column : *columns) {
      if (column.name() == name) return column;
    }
  }
  ADD_FAILURE() << "no column " << name;
  static const v1::Column none;
  return none;
}

std::vector<PreparedRequest> Random(const PoolOptions& options, int64_t ids = 10) {
  const auto requests = RandomRequests(Model(), options, ids);
  EXPECT_TRUE(requests.ok()) << requests.status();
  return requests.ok() ? *requests : std::vector<PreparedRequest>();
}

TEST(RandomRequestsTest, ValuesAreSomethingThatTheirFeatureTakes) {
  std::set<std::string> items;
  int with_missing_price = 0;
  for (const PreparedRequest& prepared : Random({.scenes = {"search"}, .candidates = 30, .requests = 40})) {
    EXPECT_EQ(prepared.rows, 30);
    const v1::PredictRequest request = Parse(prepared);
    EXPECT_THAT(ColumnOf(request, "user").ints(), ElementsAre(AllOf(Ge(0), Le(9))));
    EXPECT_THAT(ColumnOf(request, "colour").strings(), Each(::testing::AnyOf("red", "blue")));
    const v1::Column& price = ColumnOf(request, "price");
    EXPECT_THAT(price.floats(), AllOf(SizeIs(30), Each(Ge(0.0f))));
    with_missing_price += !price.missing_rows().empty();
    const v1::Column& tags = ColumnOf(request, "tags");
    EXPECT_THAT(tags.lengths(), AllOf(SizeIs(30), Each(Le(4u))));
    for (const std::string& item : ColumnOf(request, "item").strings()) items.insert(item);
  }
  EXPECT_EQ(items.size(), 10) << "every id below --ids comes up";
  EXPECT_GT(with_missing_price, 5);
}

TEST(RandomRequestsTest, ScenesTakeTurnsAndASceneWithoutCandidatesScoresContextRows) {
  const std::vector<PreparedRequest> requests = Random({.candidates = 7, .requests = 4});
  ASSERT_THAT(requests, SizeIs(4));
  EXPECT_EQ(requests[0].scene, "search");
  EXPECT_EQ(requests[3].scene, "churn");
  EXPECT_EQ(ColumnOf(Parse(requests[3]), "user").ints_size(), 7);
  EXPECT_TRUE(Parse(requests[3]).candidates().empty());
}

TEST(RandomRequestsTest, TasksChooseTheScenesToo) {
  for (const PreparedRequest& prepared : Random({.tasks = {"spend"}, .requests = 4})) {
    EXPECT_EQ(prepared.scene, "search");
    EXPECT_THAT(Parse(prepared).tasks(), ElementsAre("spend"));
  }
}

TEST(RandomRequestsTest, TheSameOptionsGiveTheSameRequests) {
  EXPECT_EQ(Random({.seed = 4})[5].bytes, Random({.seed = 4})[5].bytes);
  EXPECT_NE(Random({.seed = 4})[5].bytes, Random({.seed = 5})[5].bytes);
}

TEST(RandomRequestsTest, UnknownNamesSayWhatThereIs) {
  const auto error = [](const PoolOptions& options) {
    return std::string(RandomRequests(Model(), options, 10).status().message());
  };
  EXPECT_THAT(error({.scenes = {"serach"}}), AllOf(HasSubstr("'serach'"), HasSubstr("search, churn")));
  EXPECT_THAT(error({.tasks = {"klick"}}), AllOf(HasSubstr("'klick'"), HasSubstr("click, spend, leaves")));
  EXPECT_THAT(error({.scenes = {"churn"}, .tasks = {"click"}}), HasSubstr("no scene of churn has a task of click"));
}

class FileRequestsTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& text) {
    const std::string path = absl::StrCat(::testing::TempDir(), "/file_requests_test.rows");
    std::ofstream(path) << text;
    return path;
  }
  std::vector<PreparedRequest> Read(const std::string& text, const PoolOptions& options) {
    const auto requests = FileRequests(Write(text), Model(), options);
    EXPECT_TRUE(requests.ok()) << requests.status();
    return requests.ok() ? *requests : std::vector<PreparedRequest>();
  }
  std::string Error(const std::string& text, const PoolOptions& options) {
    const auto requests = FileRequests(Write(text), Model(), options);
    EXPECT_EQ(requests.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(requests.status().message());
  }
};

constexpr char kRows[] =
    "scene,user,item,colour,price,tags,click,other\n"
    "search,1,a,red,1.5,7|8,1,x\n"
    "churn,2,,,,,,\n"
    "search,1,b,blue,,,0,y\n"
    "search,3,c,red,2,9,,\n";

TEST_F(FileRequestsTest, EachScenesRowsAreCutIntoRequestsWhoseFirstRowGivesTheContext) {
  const std::vector<PreparedRequest> requests = Read(kRows, {.candidates = 2});
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].rows, 2);
  const v1::PredictRequest search = Parse(requests[0]);
  EXPECT_THAT(ColumnOf(search, "user").ints(), ElementsAre(1));
  EXPECT_THAT(ColumnOf(search, "item").strings(), ElementsAre("a", "b"));
  EXPECT_THAT(ColumnOf(search, "price").missing_rows(), ElementsAre(1));
  EXPECT_THAT(ColumnOf(search, "tags").ints(), ElementsAre(7, 8));
  EXPECT_EQ(requests[1].scene, "churn") << "a scene with too few rows makes a smaller request";
  EXPECT_EQ(requests[1].rows, 1);
}

TEST_F(FileRequestsTest, JsonRowsDoAsWell) {
  const std::vector<PreparedRequest> requests =
      Read(R"([{"user": 5, "item": "a", "tags": [1, 2]}, {"user": 5, "item": "b"}])",
           {.scenes = {"search"}, .candidates = 2});
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_THAT(ColumnOf(Parse(requests[0]), "tags").lengths(), ElementsAre(2, 0));
}

TEST_F(FileRequestsTest, OnlyTheScenesAskedForAreRead) {
  const std::vector<PreparedRequest> requests = Read(kRows, {.scenes = {"churn"}, .candidates = 2});
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests[0].scene, "churn");
}

TEST_F(FileRequestsTest, WhatIsWrongNamesTheLine) {
  EXPECT_THAT(Error("scene,user\nsearhc,1\n", {}), AllOf(HasSubstr("line 2"), HasSubstr("'searhc'")));
  EXPECT_THAT(Error("user,item\n1,a\n", {}), HasSubstr("has no column 'scene'"));
  EXPECT_THAT(Error("scene,user,item\nsearch,eve,a\n", {.candidates = 1}),
              AllOf(HasSubstr("row 2"), HasSubstr("'eve'")));
  EXPECT_THAT(Error("scene,user\n", {}), HasSubstr("has no row of scene search, churn"));
}

}  // namespace
}  // namespace polyscene::load
