#include "model/data/event_reader.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/model/data/data_test_util.h"

namespace polyscene {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kModel[] = R"(
  name: "shop"
  features { name: "user" side: CONTEXT type: INT64 required: true }
  features { name: "query" side: CONTEXT type: STRING }
  features { name: "price" side: CANDIDATE type: FLOAT column: "item_price" }
  features { name: "seen" side: CONTEXT type: INT64 sequence {} }
  scenes { name: "search" tasks: "click" tasks: "spend" }
  scenes { name: "feed" tasks: "click" tasks: "demand" features: "user" features: "price" }
  tasks { name: "click" binary {} }
  tasks { name: "spend" regression {} column: "euros" }
  tasks { name: "demand" forecast { horizon: 2 } }
  files { event_time_column: "at" request_id_column: "session" weight_column: "w" }
)";
constexpr char kHeader[] = "scene,user,query,item_price,seen,click,euros,demand_1,demand_2,at,session,w,extra\n";

class EventReaderTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<EventReader>> Open(const std::string& text) {
    options_.on_rejected = [this](const RejectedLine& line) {
      rejected_.push_back(absl::StrCat(line.line, ":", line.reason, ":", line.message));
    };
    return EventReader::Open(WriteFile("events.csv", text), model_, options_);
  }

  std::vector<EventTable> ReadAll(const std::string& text) {
    std::vector<EventTable> batches;
    auto reader = Open(text);
    EXPECT_TRUE(reader.ok()) << reader.status();
    while (reader.ok()) {
      EventTable batch;
      const absl::StatusOr<bool> more = (*reader)->Next(&batch);
      status_ = more.status();
      if (!more.ok() || !*more) break;
      batches.push_back(std::move(batch));
    }
    return batches;
  }

  std::string OpenError(const std::string& text) {
    const auto reader = Open(text);
    EXPECT_EQ(reader.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(reader.status().message());
  }

  v1::ModelFile model_ = ParseModel(kModel);
  EventReaderOptions options_;
  std::vector<std::string> rejected_;
  absl::Status status_;
};

TEST_F(EventReaderTest, FeaturesAndLabelsAreFoundByTheirNamesAndColumns) {
  const auto batches = ReadAll(absl::StrCat(kHeader, "search,17,shoes,9.5,3|4,1,20,,,2008-04-01,s1,2,x\n"));

  ASSERT_EQ(batches.size(), 1u);
  const ExamplesView view = batches[0].View();
  EXPECT_EQ(view.scene, "search");
  EXPECT_EQ(view.rows(), 1);
  EXPECT_THAT(view.features.Find("user")->ints, ElementsAre(17));
  EXPECT_THAT(view.features.Find("query")->strings, ElementsAre("shoes"));
  EXPECT_THAT(view.features.Find("price")->floats, ElementsAre(9.5f));
  EXPECT_THAT(view.features.Find("seen")->ints, ElementsAre(3, 4));
  EXPECT_THAT(view.features.Find("seen")->lengths, ElementsAre(2));
  ASSERT_EQ(view.labels.size(), 2u);
  EXPECT_EQ(view.labels[0].task, "click");
  EXPECT_THAT(view.labels[0].values, ElementsAre(1));
  EXPECT_EQ(view.labels[1].task, "spend");
  EXPECT_THAT(view.labels[1].values, ElementsAre(20));
  EXPECT_THAT(view.weights, ElementsAre(2));
  EXPECT_THAT(view.event_times_micros, ElementsAre(1'207'008'000'000'000));
  EXPECT_THAT(batches[0].request_ids, ElementsAre("s1"));
  EXPECT_THAT(batches[0].lines, ElementsAre(2));
}

TEST_F(EventReaderTest, SeveralTasksMayHaveTheLabelsOfOneColumn) {
  model_ = ParseModel(R"(
    name: "quantiles"
    features { name: "user" side: CONTEXT type: INT64 }
    scenes { name: "search" tasks: "low" tasks: "high" }
    tasks { name: "low" regression { loss { pinball { quantile: 0.1 } } } column: "euros" }
    tasks { name: "high" regression { loss { pinball { quantile: 0.9 } } } column: "euros" }
  )");
  for (const char* text : {"scene,user,euros\nsearch,1,20\nsearch,2,\n",
                           "{\"scene\": \"search\", \"user\": 1, \"euros\": 20}\n"
                           "{\"scene\": \"search\", \"user\": 2}\n"}) {
    const auto batches = ReadAll(text);
    ASSERT_EQ(batches.size(), 1u);
    const ExamplesView view = batches[0].View();
    ASSERT_EQ(view.labels.size(), 2u);
    for (const LabelsView& labels : view.labels) {
      EXPECT_EQ(labels.values[0], 20) << labels.task;
      EXPECT_THAT(labels.missing, ElementsAre(1)) << labels.task;
    }
  }
}

TEST_F(EventReaderTest, AnotherColumnOfTimesIsReadAndDaysAreMarked) {
  options_.other_time_column = "extra";
  options_.mark_dates = true;
  const std::string csv = absl::StrCat(
      kHeader, "search,17,,,,1,,,,2008-04-01,s1,,1207008001\n", "search,x,,,,1,,,,2008-04-01,s1,,2008-04-01\n",
      "search,18,,,,1,,,,1207008000,s1,,2008-04-02\n", "search,19,,,,1,,,,1207008000,s1,,\n");
  const std::string json = R"({"scene": "search", "user": 17, "click": 1, "at": "2008-04-01", "extra": 1207008001}
{"scene": "search", "user": "x", "click": 1, "at": "2008-04-01", "extra": "2008-04-01"}
{"scene": "search", "user": 18, "click": 1, "at": 1207008000, "extra": "2008-04-02"}
{"scene": "search", "user": 19, "click": 1, "at": 1207008000}
)";
  for (const std::string& text : {csv, json}) {
    const auto batches = ReadAll(text);
    ASSERT_EQ(batches.size(), 1u);
    EXPECT_THAT(batches[0].other_times_micros, ElementsAre(1'207'008'001'000'000, 1'207'094'400'000'000, 0));
    EXPECT_THAT(batches[0].dates, ElementsAre(EventTable::kEventDate, EventTable::kOtherDate, 0));
  }
  options_.other_time_column = "later";
  EXPECT_THAT(OpenError(csv), HasSubstr("no column 'later'"));
}

TEST_F(EventReaderTest, ASceneHasOnlyItsOwnFeaturesAndTasks) {
  const auto batches = ReadAll(absl::StrCat(kHeader, "feed,17,shoes,9.5,3|4,1,20,5,6,2008-04-01,s1,1,x\n"));

  ASSERT_EQ(batches.size(), 1u);
  ASSERT_EQ(batches[0].features.columns.size(), 2u);
  EXPECT_EQ(batches[0].features.columns[0].name, "user");
  EXPECT_EQ(batches[0].features.columns[1].name, "price");
  ASSERT_EQ(batches[0].labels.size(), 2u);
  EXPECT_EQ(batches[0].labels[1].task, "demand");
  EXPECT_EQ(batches[0].labels[1].outputs, 2);
  EXPECT_THAT(batches[0].labels[1].values, ElementsAre(5, 6));
}

TEST_F(EventReaderTest, AnEmptyFieldIsAMissingValue) {
  const auto batches = ReadAll(absl::StrCat(kHeader, "search,1,,,,,,,,,,,\nsearch,2,a,1,5,0,3,,,,,,\n"));

  ASSERT_EQ(batches.size(), 1u);
  const ExamplesView view = batches[0].View();
  EXPECT_THAT(view.features.Find("query")->missing, ElementsAre(0));
  EXPECT_THAT(view.features.Find("query")->strings, ElementsAre("", "a"));
  EXPECT_THAT(view.features.Find("price")->missing, ElementsAre(0));
  EXPECT_THAT(view.features.Find("seen")->missing, ElementsAre(0));
  EXPECT_THAT(view.features.Find("seen")->lengths, ElementsAre(0, 1));
  EXPECT_THAT(view.labels[0].missing, ElementsAre(0));
  EXPECT_THAT(view.labels[0].values, ElementsAre(0, 0));
  EXPECT_THAT(view.weights, ElementsAre(1, 1));
  EXPECT_THAT(view.event_times_micros, ElementsAre(0, 0));
}

TEST_F(EventReaderTest, ALabelMayBeATruthAFeatureMayNot) {
  const auto batches =
      ReadAll(absl::StrCat(kHeader, "search,1,,,,t,,,,,,,\nsearch,2,,,,FALSE,,,,,,,\nsearch,f,,,,0,,,,,,,\n"));
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_THAT(batches[0].labels[0].values, ElementsAre(1, 0));
  EXPECT_THAT(rejected_, ElementsAre(HasSubstr("4:wrong_type:column 'user': got 'f'")));
}

TEST_F(EventReaderTest, AForecastWithAGapHasNoLabel) {
  const auto batches = ReadAll(absl::StrCat(kHeader, "feed,1,,,,,,5,,,,,\nfeed,2,,,,,,7,8,,,,\n"));

  ASSERT_EQ(batches.size(), 1u);
  EXPECT_THAT(batches[0].labels[1].missing, ElementsAre(0));
  EXPECT_THAT(batches[0].labels[1].values, ElementsAre(5, 0, 7, 8));
}

TEST_F(EventReaderTest, AValueOfTheWrongTypeRejectsItsLineAndSaysWhatWasExpected) {
  const auto batches = ReadAll(absl::StrCat(kHeader,                             //
                                            "search,abc,,1,,1,,,,,,,\n"          // 2
                                            "search,1,,cheap,,1,,,,,,,\n"        // 3
                                            "search,1,,1,3|x,1,,,,,,,\n"         // 4
                                            "search,1,,1,,yes,,,,,,,\n"          // 5
                                            "search,1,,1,,1,,,,yesterday,,,\n"   // 6
                                            "search,1,,nan,,1,,,,,,,\n"          // 7
                                            "search,1,,1,,1,,,,,,-1,\n"          // 8
                                            "search,1,M\xFCnchen,1,,1,,,,,,,\n"  // 9
                                            "search,2,ok,2,7,1,,,,,,,\n"));      // 10

  EXPECT_THAT(rejected_,
              ElementsAre("2:wrong_type:column 'user': got 'abc', expected a whole number (INT64)",
                          "3:wrong_type:column 'item_price': got 'cheap', expected a finite number (FLOAT)",
                          "4:wrong_type:column 'seen': got 'x', expected a whole number (INT64)",
                          "5:wrong_type:column 'click': got 'yes', expected a finite number, the label of task 'click'",
                          HasSubstr("6:wrong_type:column 'at': got 'yesterday', expected an ISO 8601"),
                          "7:not_finite:column 'item_price': got 'nan', expected a finite number (FLOAT)",
                          HasSubstr("8:out_of_range:column 'w': got '-1', expected a weight"),
                          "9:not_utf8:column 'query': got 'M\\xfcnchen', expected UTF-8 text (STRING)"));
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].rows(), 1);
  EXPECT_THAT(batches[0].lines, ElementsAre(10));
  EXPECT_THAT(batches[0].features.columns[0].ints, ElementsAre(2));
}

TEST_F(EventReaderTest, ARejectedLineLeavesNothingBehind) {
  // Line 3 fails at its last field, after everything before it was read.
  const auto batches = ReadAll(
      absl::StrCat(kHeader, "search,1,a,1,1|2,0,5,,,,,1,\nsearch,2,,,3|4,,,,,,,-1,\nsearch,3,c,3,5,1,,,,,,1,\n"));

  ASSERT_EQ(batches.size(), 1u);
  const ExamplesView view = batches[0].View();
  EXPECT_THAT(view.features.Find("user")->ints, ElementsAre(1, 3));
  EXPECT_THAT(view.features.Find("query")->strings, ElementsAre("a", "c"));
  EXPECT_THAT(view.features.Find("query")->missing, IsEmpty());
  EXPECT_THAT(view.features.Find("price")->floats, ElementsAre(1, 3));
  EXPECT_THAT(view.features.Find("seen")->ints, ElementsAre(1, 2, 5));
  EXPECT_THAT(view.features.Find("seen")->lengths, ElementsAre(2, 1));
  EXPECT_THAT(view.labels[0].values, ElementsAre(0, 1));
  EXPECT_THAT(view.labels[1].values, ElementsAre(5, 0));
  EXPECT_THAT(view.labels[1].missing, ElementsAre(1));
  EXPECT_THAT(view.weights, ElementsAre(1, 1));
}

TEST_F(EventReaderTest, ARowWithoutARequiredValueIsRejected) {
  ReadAll(absl::StrCat(kHeader, "search,,a,1,,1,,,,,,,\n"));
  EXPECT_THAT(rejected_, ElementsAre(HasSubstr("2:missing_value:column 'user'")));
}

TEST_F(EventReaderTest, ARowOfAnUnknownSceneIsRejected) {
  ReadAll(absl::StrCat(kHeader, "serach,1,a,1,,1,,,,,,,\n"));
  EXPECT_THAT(rejected_, ElementsAre("2:unknown_scene:column 'scene': got 'serach', expected a scene of the model: "
                                     "search, feed"));
}

TEST_F(EventReaderTest, LinesThatCannotBeReadAreRejectedBesideGoodOnes) {
  const auto batches = ReadAll(absl::StrCat(kHeader, "search,1\nsearch,2,a,1,,1,,,,,,,\n"));
  EXPECT_THAT(rejected_, ElementsAre("2:field_count:has 2 fields, expected 13 as the header has"));
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].rows(), 1);
}

TEST_F(EventReaderTest, TheRowsOfAWindowComeSceneBySceneInTheOrderOfTheirFirstRows) {
  options_.window_rows = 4;
  const auto batches = ReadAll(
      "scene,user,click,at,session,w\nfeed,1,,,,\nsearch,2,,,,\nfeed,3,,,,\nfeed,4,,,,\nsearch,5,,,,\nfeed,6,,,,\n");

  ASSERT_EQ(batches.size(), 4u);
  EXPECT_THAT(batches[0].lines, ElementsAre(2, 4, 5));
  EXPECT_THAT(batches[1].lines, ElementsAre(3));
  EXPECT_THAT(batches[2].lines, ElementsAre(6));
  EXPECT_THAT(batches[3].lines, ElementsAre(7));
}

TEST_F(EventReaderTest, NoBatchHasMoreThanBatchRows) {
  options_.batch_rows = 2;
  const auto batches = ReadAll("scene,user,click,at,session,w\nfeed,1,,,,\nfeed,2,,,,\nfeed,3,,,,\n");

  ASSERT_EQ(batches.size(), 2u);
  EXPECT_THAT(batches[0].lines, ElementsAre(2, 3));
  EXPECT_THAT(batches[1].lines, ElementsAre(4));
}

TEST_F(EventReaderTest, ALimitCountsGoodRows) {
  options_.limit = 2;
  const auto batches = ReadAll("scene,user,click,at,session,w\nfeed,x,,,,\nfeed,2,,,,\nfeed,3,,,,\nfeed,4,,,,\n");

  ASSERT_EQ(batches.size(), 1u);
  EXPECT_THAT(batches[0].lines, ElementsAre(3, 4));
}

TEST_F(EventReaderTest, RowsBeforeTheEndOfATruncatedGzipAreReturnedBeforeTheError) {
  std::string text = "scene,user,click,at,session,w\n";
  for (uint32_t i = 0, user = 1; i < 20000; ++i) {
    absl::StrAppend(&text, "feed,", user = user * 1664525u + 1013904223u, ",,,,\n");
  }
  const std::string whole = Gzip(text);

  int64_t rows = 0;
  for (const EventTable& batch : ReadAll(whole.substr(0, whole.size() / 2))) rows += batch.rows();

  EXPECT_GT(rows, 1000);
  EXPECT_LT(rows, 20000);
  EXPECT_EQ(status_.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status_.message()), HasSubstr(absl::StrCat("line ", rows + 2, ",")));
}

TEST_F(EventReaderTest, AHeaderErrorListsAllThatIsMissingAndWhatWasFound) {
  const std::string error = OpenError("query,demand_1,at\n");

  EXPECT_THAT(error, AllOf(HasSubstr("column 'scene'"), HasSubstr("column 'user' of the required feature 'user'"),
                           HasSubstr("columns 'demand_2' of the forecast 'demand'"), HasSubstr("column 'session'"),
                           HasSubstr("column 'w'"), HasSubstr("It has: query, demand_1, at")));
  EXPECT_THAT(error, Not(HasSubstr("labels of at least one task")));
}

TEST_F(EventReaderTest, AHeaderWithoutAnyLabelIsAnErrorThatNamesThem) {
  EXPECT_THAT(OpenError("scene,user,at,session,w\n"),
              HasSubstr("the labels of at least one task, in columns 'click', 'euros', 'demand_1', 'demand_2'"));
}

TEST_F(EventReaderTest, WithASingleSceneTheSceneColumnMayBeAbsent) {
  model_.mutable_scenes()->DeleteSubrange(1, 1);
  const auto batches = ReadAll("user,click,at,session,w\n1,1,,,\n");

  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].scene, "search");
}

TEST_F(EventReaderTest, TheModelFileNamesTheSceneColumn) {
  model_.mutable_files()->set_scene_column("place");
  const auto batches = ReadAll("place,user,click,at,session,w\nfeed,1,1,,,\n");

  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].scene, "feed");
}

TEST(EventReaderOnRealDataTest, ReadsEveryRowOfTheEshopFileInItsOrder) {
  const std::string path = SharedData("eshop_clothing_2008.csv.gz");
  if (path.empty()) GTEST_SKIP() << "eshop_clothing_2008.csv.gz is not on this machine (set POLYSCENE_SHARED_DATA)";
  const v1::ModelFile model = ParseModel(R"(
    name: "eshop"
    features { name: "country" type: INT64 }
    features { name: "model" type: STRING }
    features { name: "prev_price" type: FLOAT }
    scenes { name: "trousers" tasks: "y_continue" tasks: "y_next5" }
    scenes { name: "skirts" tasks: "y_continue" }
    scenes { name: "blouses" tasks: "y_continue" }
    scenes { name: "sale" tasks: "y_continue" }
    tasks { name: "y_continue" binary {} }
    tasks { name: "y_next5" forecast { horizon: 4 }
            columns: "y_next5_cat1" columns: "y_next5_cat2" columns: "y_next5_cat3" columns: "y_next5_cat4" }
    files { event_time_column: "event_date" request_id_column: "session_id" })");
  EventReaderOptions options;
  options.window_rows = 1024;
  auto reader = EventReader::Open(path, model, options);
  ASSERT_TRUE(reader.ok()) << reader.status();

  int64_t rows = 0, continued = 0, from_july_15 = 0, furthest = 0;
  for (EventTable batch;;) {
    const absl::StatusOr<bool> more = (*reader)->Next(&batch);
    ASSERT_TRUE(more.ok()) << more.status();
    if (!*more) break;
    for (int64_t r = 0; r < batch.rows(); ++r) {
      furthest = std::max(furthest, std::abs(batch.lines[r] - 2 - (rows + r)));
      continued += batch.labels[0].values[r] == 1;
      from_july_15 += batch.event_times_micros[r] >= 1'216'080'000'000'000;  // 2008-07-15
    }
    rows += batch.rows();
  }

  EXPECT_EQ(rows, 165'474);
  EXPECT_EQ(continued, 165'474 - 24'026);  // Every session's last click ends it.
  EXPECT_EQ(from_july_15, 33'989);
  EXPECT_LT(furthest, 1024);
  EXPECT_EQ((*reader)->lines_rejected(), 0);
}

}  // namespace
}  // namespace polyscene
