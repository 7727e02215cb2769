// From rows of a file to a request, and from its answer to a ranking.
#include <string>
#include <vector>

#include "client/ranking/predict_request.h"
#include "client/ranking/ranked_rows.h"
#include "client/ranking/row_reader.h"
#include "client/status/status_json.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace polyscene::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kModel[] = R"(
  name: "shop"
  features { name: "user" side: CONTEXT type: INT64 }
  features { name: "query" side: CONTEXT type: STRING column: "q" }
  features { name: "item" side: CANDIDATE type: STRING }
  features { name: "price" side: CANDIDATE type: FLOAT }
  features { name: "tags" side: CANDIDATE type: INT64 sequence {} }
  scenes { name: "search" tasks: "click" tasks: "category" }
  scenes { name: "churn" tasks: "click" features: "user" }
  tasks { name: "click" binary {} }
  tasks { name: "category" multi_class { classes: 3 } }
)";

v1::ModelFile Model() {
  v1::ModelFile model;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kModel, &model));
  return model;
}

RowSet Rows(const std::string& text) {
  const absl::StatusOr<RowSet> rows = ParseRows("rows", text);
  EXPECT_TRUE(rows.ok()) << rows.status();
  return rows.ok() ? *rows : RowSet();
}

PredictPlan Plan(const PredictInput& input) {
  const absl::StatusOr<PredictPlan> plan = PlanPrediction(Model(), input);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *plan : PredictPlan();
}

std::string PlanError(const PredictInput& input) {
  const absl::StatusOr<PredictPlan> plan = PlanPrediction(Model(), input);
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(plan.status().message());
}

std::string RowsError(const std::string& text) {
  const absl::StatusOr<RowSet> rows = ParseRows("rows", text);
  EXPECT_EQ(rows.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(rows.status().message());
}

constexpr char kCsv[] = "user,q,item,price,tags,other\n7,shoes,A1,9.5,1|2,x\n7,shoes,B2,,,y\n";
constexpr char kJson[] = R"([{"user": 7, "query": "shoes", "item": "A1", "price": 9.5, "tags": [1, 2], "other": "x"},
                             {"user": "7", "query": "shoes", "item": "B2", "price": null}])";
constexpr char kJsonLines[] =
    "{\"user\": 7, \"query\": \"shoes\", \"item\": \"A1\", \"price\": 9.5, \"tags\": \"1|2\"}\n\n{\"item\": \"B2\"}\n";

TEST(PlanPredictionTest, CsvJsonAndJsonLinesMakeTheSameRequest) {
  for (const char* const text : {kCsv, kJson, kJsonLines}) {
    const v1::PredictRequest request = Plan({.scene = "search", .rows = Rows(text)}).request;

    ASSERT_EQ(request.context_size(), 2) << text;
    EXPECT_EQ(request.context(0).name(), "user");
    EXPECT_THAT(request.context(0).ints(), ElementsAre(7));
    EXPECT_EQ(request.context(1).name(), "query");
    EXPECT_THAT(request.context(1).strings(), ElementsAre("shoes"));
    ASSERT_EQ(request.candidates_size(), 3) << text;
    EXPECT_THAT(request.candidates(0).strings(), ElementsAre("A1", "B2"));
    EXPECT_THAT(request.candidates(1).floats(), ElementsAre(9.5f, 0));
    EXPECT_THAT(request.candidates(1).missing_rows(), ElementsAre(1));
    EXPECT_THAT(request.candidates(2).ints(), ElementsAre(1, 2));
    EXPECT_THAT(request.candidates(2).lengths(), ElementsAre(2, 0));
    EXPECT_THAT(request.candidates(2).missing_rows(), ElementsAre(1));
  }
}

TEST(PlanPredictionTest, ContextThatIsGivenGoesBeforeTheFiles) {
  const PredictPlan plan = Plan({.scene = "search", .context = {{"query", "boots"}}, .rows = Rows(kCsv)});
  EXPECT_THAT(plan.request.context(1).strings(), ElementsAre("boots"));
}

TEST(PlanPredictionTest, ContextComesFromTheFirstRowAndWhatDiffersLaterIsTold) {
  const PredictPlan plan = Plan({.scene = "search", .rows = Rows("user,item\n7,A\n8,B\n")});
  EXPECT_THAT(plan.request.context(0).ints(), ElementsAre(7));
  EXPECT_THAT(plan.varying_context, ElementsAre("user"));
  EXPECT_THAT(Plan({.scene = "search", .rows = Rows(kCsv)}).varying_context, IsEmpty());
}

TEST(PlanPredictionTest, ASceneWithoutCandidateFeaturesScoresEachRow) {
  const PredictPlan plan = Plan({.scene = "churn", .rows = Rows("user\n7\n8\n")});
  EXPECT_FALSE(plan.has_candidates);
  EXPECT_THAT(plan.request.context(0).ints(), ElementsAre(7, 8));
  EXPECT_EQ(plan.request.candidates_size(), 0);
}

TEST(PlanPredictionTest, ContextAloneIsARowOfASceneWithoutCandidateFeatures) {
  EXPECT_THAT(Plan({.scene = "churn", .context = {{"user", "7"}}}).request.context(0).ints(), ElementsAre(7));
}

TEST(PlanPredictionTest, TheSceneIsTheOneThatTheRowsName) {
  PredictInput input;
  input.rows = Rows("scene,user\nchurn,7\nchurn,8\n");
  EXPECT_EQ(Plan(input).request.scene(), "churn");

  input.rows = Rows("scene,user\nchurn,7\nsearch,8\n");
  EXPECT_THAT(PlanError(input), AllOf(HasSubstr("line 3"), HasSubstr("'search' after 'churn'")));
}

TEST(PlanPredictionTest, ErrorsNameWhatCameAndWhatWasExpected) {
  EXPECT_THAT(PlanError({.scene = "serach", .rows = Rows(kCsv)}),
              AllOf(HasSubstr("'serach'"), HasSubstr("search, churn")));
  EXPECT_THAT(PlanError({.rows = Rows(kCsv)}), HasSubstr("--scene"));
  EXPECT_THAT(PlanError({.scene = "search"}), HasSubstr("no file was given"));
  EXPECT_THAT(PlanError({.scene = "churn", .tasks = {"category"}, .rows = Rows(kCsv)}),
              AllOf(HasSubstr("'category'"), HasSubstr("click")));
  EXPECT_THAT(PlanError({.scene = "search", .context = {{"usr", "1"}}, .rows = Rows(kCsv)}),
              AllOf(HasSubstr("'usr'"), HasSubstr("user, query")));
  EXPECT_THAT(PlanError({.scene = "search", .rows = Rows("item,price\nA,cheap\n")}),
              HasSubstr("rows: row 2: feature 'price': got 'cheap', expected a finite number (FLOAT)"));
  EXPECT_THAT(PlanError({.scene = "search", .rows = Rows(R"([{"item": ["A", "B"]}])")}),
              HasSubstr("feature 'item': got an array of 2 values"));
  EXPECT_THAT(PlanError({.scene = "search", .rows = Rows("a,b\n1,2\n")}),
              AllOf(HasSubstr("It has: a, b"), HasSubstr("item, price, tags")));
}

TEST(ParseRowsTest, ABrokenLineIsAnErrorThatNamesIt) {
  EXPECT_THAT(RowsError("a,b\n1,2\n3\n"), HasSubstr("rows: line 3: has 1 field, expected 2"));
  EXPECT_THAT(RowsError("{\"a\": 1}\n{\"a\": \n"), HasSubstr("rows: line 2: not valid JSON"));
  EXPECT_THAT(RowsError("[{\"a\": 1}, 5]"), HasSubstr("rows: element 2: got number, expected an object"));
  EXPECT_THAT(RowsError("[{\"a\": {}}]"), HasSubstr("'a': got object"));
  EXPECT_THAT(RowsError("[{\"a\": 1}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(RowsError(""), HasSubstr("empty"));
}

TEST(ParseRowsTest, LargeIntegersKeepAllTheirDigits) {
  EXPECT_EQ(Rows(R"([{"user": 9007199254740993}])").rows[0].cells[0].text, "9007199254740993");
}

class RankingTest : public ::testing::Test {
 protected:
  RankingTest() {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      model { version: 12 rows_learned: 1000 }
      scores { task: "click" outputs: 1 values: 0.25 values: 0.75 }
      scores { task: "category" outputs: 3 values: 0.5 values: 0.25 values: 0.25 values: 0 values: 0.125 values: 0.875 }
      ranking: 0.25 ranking: 0.75)",
                                                              &response_));
  }
  RowSet rows_ = Rows(kCsv);
  PredictPlan plan_ = Plan({.scene = "search", .rows = rows_});
  v1::PredictResponse response_;
};

TEST_F(RankingTest, TheBestRowComesFirstWithWhatTellsItApart) {
  EXPECT_EQ(RankedTable(plan_, rows_, response_, 0),
            "rank  ranking   click  category   item  price  tags\n"
            "----  -------  ------  ---------  ----  -----  ----\n"
            "   1   0.7500  0.7500  2 (0.875)  B2\n"
            "   2   0.2500  0.2500  0 (0.500)  A1      9.5  1|2\n");
}

TEST_F(RankingTest, TopCutsTheTable) { EXPECT_THAT(RankRows(response_, 2, 1), ElementsAre(1)); }

TEST_F(RankingTest, WithoutARankingRowsStayAsTheyCame) {
  response_.clear_ranking();
  EXPECT_THAT(RankRows(response_, 2, 0), ElementsAre(0, 1));
  EXPECT_THAT(RankedTable(plan_, rows_, response_, 1), HasSubstr("row   click"));
}

TEST_F(RankingTest, JsonHasScoresAsNumbersAndArrays) {
  const Json json = RankedJson(plan_, rows_, response_, 1);

  EXPECT_EQ(json.dump(),
            R"({"scene":"search","version":12,"rows_learned":1000,"weight_age_seconds":0.0,"learned_up_to_micros":0,)"
            R"("rows":[{"rank":1,"row":1,"ranking":0.75,"scores":{"click":0.75,"category":[0.0,0.125,0.875]},)"
            R"("features":{"item":"B2","price":null,"tags":null}}]})");
  EXPECT_EQ(RankedJson(plan_, rows_, response_, 0)["rows"][1]["features"]["price"], 9.5);
}

TEST_F(RankingTest, AnAnswerOfTheWrongSizeIsAnError) {
  EXPECT_EQ(*ScoredRows(rows_, response_), 2);
  response_.mutable_scores(0)->add_values(1);
  EXPECT_EQ(ScoredRows(rows_, response_).status().code(), absl::StatusCode::kInternal);
}

TEST(StatusJsonTest, HasSnakeCaseKeysNumbersAndNulls) {
  v1::GetStatusResponse status;
  status.mutable_model()->set_version(3);
  status.set_events_accepted(uint64_t{1} << 60);
  v1::EvaluationFigure* const figure = status.add_evaluation();
  figure->set_scene("*");
  figure->set_task("click");
  figure->set_metric("auc");
  figure->set_value(std::numeric_limits<double>::quiet_NaN());
  figure->set_rows(5);

  const Json json = StatusJson(status);

  EXPECT_EQ(json["version"], 3);
  EXPECT_EQ(json["events_accepted"].dump(), "1152921504606846976");
  for (const char* const key : {"events_learned", "log_end_offset", "learned_offset", "served_offset",
                                "checkpoint_offset", "step", "uptime_seconds", "memory_resident_bytes"}) {
    EXPECT_TRUE(json[key].is_number()) << key;
  }
  EXPECT_EQ(json["evaluation"].dump(), R"([{"scene":"*","task":"click","metric":"auc","value":null,"rows":5}])");
}

}  // namespace
}  // namespace polyscene::cli
