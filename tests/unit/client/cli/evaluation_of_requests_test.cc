// Labelled requests of a file, and what their answers are worth.
#include <cmath>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/ranking/request_evaluation.h"
#include "client/ranking/request_rows.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kModel[] = R"(
  name: "shop"
  features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 2 } } } }
  features { name: "item" side: CANDIDATE type: INT64 encode { hash { embedding { dimension: 2 } } } }
  scenes { name: "search" tasks: "click" tasks: "spend" tasks: "demand" tasks: "kind"
           rank_by { factors { task: "click" } } }
  scenes { name: "visits" tasks: "churn" features: "user" }
  tasks { name: "click" binary {} }
  tasks { name: "spend" regression { transform { log1p: true } } missing_outside { min: 0 max: 1000 } }
  tasks { name: "demand" forecast { horizon: 2 } }
  tasks { name: "kind" multi_class { classes: 3 } }
  tasks { name: "churn" binary {} }
  network { shared_bottom { hidden: 4 } }
  files { scene_column: "scene" request_id_column: "request" }
)";

class EvaluationOfRequestsTest : public ::testing::Test {
 protected:
  EvaluationOfRequestsTest() {
    auto spec = ModelSpec::Parse(kModel, "model");
    EXPECT_TRUE(spec.ok()) << spec.status();
    spec_ = *spec;
  }

  std::unique_ptr<RequestRows> Open(const std::string& text, const std::vector<std::string>& scenes = {}) {
    const std::string path = absl::StrCat(::testing::TempDir(), "/evaluation_of_requests_test.rows");
    std::ofstream(path) << text;
    auto rows = RequestRows::Open(path, spec_->file(), scenes);
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() ? *std::move(rows) : nullptr;
  }

  // "search: 2, 3" and the like: each request's scene and lines.
  std::vector<std::string> Requests(const std::string& text, const std::vector<std::string>& scenes = {}) {
    const std::unique_ptr<RequestRows> rows = Open(text, scenes);
    std::vector<std::string> all;
    RequestRows::Request request;
    while (*rows->Next(&request)) {
      std::string& one = all.emplace_back(absl::StrCat(request.scene->name(), ":"));
      for (const RowSet::Row& row : request.rows.rows) absl::StrAppend(&one, " ", row.line);
    }
    return all;
  }

  // Evaluates the file, the scores of click being as given and the others fixed.
  absl::StatusOr<RequestEvaluation> Evaluate(const std::string& text, const std::vector<float>& click,
                                             RequestEvaluationOptions options = {}) {
    rows_ = Open(text);
    absl::StatusOr<RequestEvaluation> evaluation = RequestEvaluation::Create(spec_, options, rows_->stream());
    if (!evaluation.ok()) return evaluation;
    RequestRows::Request request;
    size_t next = 0;
    while (*rows_->Next(&request)) {
      v1::PredictResponse response;
      const auto add = [&](const char* task, std::vector<float> row) {
        v1::TaskScores* const scores = response.add_scores();
        scores->set_task(task);
        scores->set_outputs(static_cast<uint32_t>(row.size()));
        for (size_t r = 0; r < request.rows.rows.size(); ++r) {
          for (const float value : row) scores->add_values(value);
        }
      };
      if (request.scene->name() == "visits") {
        add("churn", {0.25f});
      } else {
        v1::TaskScores* const scores = response.add_scores();
        scores->set_task("click");
        scores->set_outputs(1);
        for (size_t r = 0; r < request.rows.rows.size(); ++r) {
          scores->add_values(click[next]);
          response.add_ranking(click[next++]);
        }
        add("spend", {static_cast<float>(std::exp(2.0) - 1)});
        add("demand", {4, 5});
        add("kind", {0.2f, 0.5f, 0.3f});
      }
      if (absl::Status status = evaluation->Add(request, response); !status.ok()) return status;
    }
    return evaluation;
  }

  static double Value(const std::vector<EvaluationFigure>& figures, const std::string& scene, const std::string& task,
                      const std::string& metric) {
    for (const EvaluationFigure& figure : figures) {
      if (figure.scene == scene && figure.task == task && figure.metric == metric) return figure.value;
    }
    ADD_FAILURE() << "no figure " << scene << " " << task << " " << metric;
    return 0;
  }

  std::string Error(const std::string& text, RequestEvaluationOptions options = {}) {
    const auto evaluation = Evaluate(text, std::vector<float>(10), std::move(options));
    EXPECT_EQ(evaluation.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(evaluation.status().message());
  }

  std::shared_ptr<const ModelSpec> spec_;
  std::unique_ptr<RequestRows> rows_;
};

TEST_F(EvaluationOfRequestsTest, RowsOfOneSceneAndIdThatFollowEachOtherAreARequest) {
  EXPECT_THAT(Requests("scene,request,user,item\n"
                       "search,a,1,1\nsearch,a,1,2\nsearch,b,1,3\nsearch,a,1,4\nsearch,,1,5\nsearch,,1,6\n"),
              ElementsAre("search: 2 3", "search: 4", "search: 5", "search: 6", "search: 7"));
}

TEST_F(EvaluationOfRequestsTest, LabelsThatTheirConditionTakesOutDoNotCount) {
  v1::ModelFile file = spec_->file();
  file.mutable_tasks(1)->mutable_defined_when()->set_task("click");
  spec_ = *ModelSpec::Create(file);
  const auto evaluation = Evaluate(
      "scene,request,user,item,click,spend\n"
      "search,a,1,1,1,5\nsearch,a,1,2,0,7\nsearch,a,1,3,,9\nsearch,a,1,4,1,\n",
      {0.1f, 0.2f, 0.3f, 0.4f});
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  for (const EvaluationFigure& figure : evaluation->TaskFigures()) {
    if (figure.task == "spend" && figure.metric == "mae") {
      EXPECT_EQ(figure.rows, 1u);
    }
    if (figure.task == "click" && figure.metric == "log_loss") {
      EXPECT_EQ(figure.rows, 3u);
    }
  }
}

TEST_F(EvaluationOfRequestsTest, RowsThatAreScoredByThemselvesGoTogetherWhateverTheirIds) {
  EXPECT_THAT(Requests("scene,request,user\nvisits,a,1\nvisits,b,2\nsearch,c,3\nvisits,d,4\n"),
              ElementsAre("visits: 2 3", "search: 4", "visits: 5"));
}

TEST_F(EvaluationOfRequestsTest, WithoutIdsEachRowIsARequest) {
  EXPECT_THAT(Requests("scene,user\nsearch,1\nsearch,1\n"), ElementsAre("search: 2", "search: 3"));
}

TEST_F(EvaluationOfRequestsTest, OnlyTheScenesAskedForAreRead) {
  EXPECT_THAT(Requests("scene,request,user\nvisits,a,1\nsearch,b,2\n", {"search"}), ElementsAre("search: 3"));
}

TEST_F(EvaluationOfRequestsTest, JsonLinesAreReadToo) {
  EXPECT_THAT(Requests(R"({"scene": "search", "request": "a", "item": 1}
                          {"scene": "search", "request": "a", "item": 2})"),
              ElementsAre("search: 1 2"));
}

constexpr char kRows[] =
    "scene,request,user,item,click,spend,demand_1,demand_2,kind,churn,popular\n"
    "search,a,1,11,0,,4,7,1,,30\n"
    "search,a,1,12,1,6.38905609893,4,7,0,,20\n"
    "search,a,1,13,0,2000,4,,1,,10\n"
    "search,b,2,11,0,,,,,,1\n"
    "search,b,2,12,0,,,,,,2\n"
    "visits,c,3,,,,,,,1,\n";

TEST_F(EvaluationOfRequestsTest, OrdersAreEvaluatedByRequestAgainstRandomAndABaseline) {
  RequestEvaluationOptions options;
  options.baselines = {{"click", "popular"}};
  const auto evaluation = Evaluate(kRows, {0.1f, 0.9f, 0.2f, 0.5f, 0.6f}, options);
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  const std::vector<EvaluationFigure> figures = evaluation->RankingFigures();
  EXPECT_DOUBLE_EQ(Value(figures, "search", "click", "ndcg@10"), 1);
  EXPECT_NEAR(Value(figures, "search", "click", "ndcg@10:random"), (1 + 0.6309298 + 0.5) / 3, 1e-7);
  EXPECT_NEAR(Value(figures, "search", "click", "ndcg@10:baseline"), 0.6309298, 1e-7);  // Second by popularity.
  EXPECT_DOUBLE_EQ(Value(figures, "search", "click", "mrr:baseline"), 0.5);
  EXPECT_EQ(evaluation->requests(), 3);
  EXPECT_EQ(evaluation->rows(), 6);
}

TEST_F(EvaluationOfRequestsTest, TasksAreEvaluatedOnTheirLabelledRows) {
  const auto evaluation = Evaluate(kRows, {0.1f, 0.9f, 0.95f, 0.5f, 0.6f});
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  const std::vector<EvaluationFigure> figures = evaluation->TaskFigures();
  EXPECT_DOUBLE_EQ(Value(figures, "search", "click", "auc"), 0.75);
  EXPECT_DOUBLE_EQ(Value(figures, "search", "click", "gauc"), 0.5);  // Within the only request that has a click.
  EXPECT_NEAR(Value(figures, "search", "spend", "mae"), 0, 1e-6);    // log1p of both is 2; 2,000 is out of range.
  EXPECT_DOUBLE_EQ(Value(figures, "search", "demand[1]", "mae"), 2);
  EXPECT_DOUBLE_EQ(Value(figures, "search", "kind", "accuracy"), 2.0 / 3);
  EXPECT_NEAR(Value(figures, "visits", "churn", "log_loss"), -std::log(0.25), 1e-9);
  for (const EvaluationFigure& figure : figures) {
    if (figure.task == "demand[0]" || figure.task == "spend") {
      EXPECT_EQ(figure.rows, figure.task == "spend" ? 1 : 2) << "a forecast with a gap is missing as a whole";
    }
  }
}

TEST_F(EvaluationOfRequestsTest, ABaselineOfAForecastIsTheSameEachDay) {
  RequestEvaluationOptions options;
  options.baselines = {{"demand", "popular", 10}};
  const auto evaluation = Evaluate(kRows, std::vector<float>(5), options);
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  const std::vector<EvaluationFigure> figures = evaluation->BaselineFigures();
  EXPECT_DOUBLE_EQ(Value(figures, "search", "demand[0]", "mae"), (1 + 2) / 2.0);  // 3 and 2 against 4 and 4.
  EXPECT_DOUBLE_EQ(Value(figures, "search", "demand[1]", "mae"), (4 + 5) / 2.0);
}

TEST_F(EvaluationOfRequestsTest, AnotherTaskMaySayWhatIsRelevant) {
  RequestEvaluationOptions options;
  options.relevance = "spend";
  options.k = 1;
  const auto evaluation = Evaluate(kRows, {0.1f, 0.9f, 0.2f, 0.5f, 0.6f}, options);
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  EXPECT_DOUBLE_EQ(Value(evaluation->RankingFigures(), "search", "spend", "ndcg@1"), 1);
}

TEST_F(EvaluationOfRequestsTest, WhatCannotBeEvaluatedNamesTheLineAndWhatWasExpected) {
  EXPECT_THAT(Error("scene,request,click\nsearch,a,2\n"),
              AllOf(HasSubstr("line 2"), HasSubstr("'click'"), HasSubstr("got '2', expected 0 or 1")));
  EXPECT_THAT(Error("scene,request,kind\nsearch,a,3\n"), HasSubstr("expected the number of one of its classes"));
  EXPECT_THAT(Error("scene,request,spend\nsearch,a,much\n"), HasSubstr("got 'much', expected a finite number"));
  EXPECT_THAT(Error("scene,request,item\nsearch,a,1\n"),
              HasSubstr("has the labels of no task, expected some of click"));
  EXPECT_THAT(Error("scene,request,demand_1\nsearch,a,1\n"), HasSubstr("but not demand_2"));
}

TEST_F(EvaluationOfRequestsTest, UnknownNamesSayWhatThereIs) {
  RequestEvaluationOptions options;
  options.relevance = "klick";
  EXPECT_THAT(Error(kRows, options), AllOf(HasSubstr("--relevance"), HasSubstr("'klick'"), HasSubstr("click, spend")));
  options.relevance = "demand";
  EXPECT_THAT(Error(kRows, options), HasSubstr("no single label of task 'demand'"));
  options.relevance = "";
  options.baselines = {{"click", "popularity"}};
  EXPECT_THAT(Error(kRows, options), AllOf(HasSubstr("no column 'popularity'"), HasSubstr("popular")));
  options.baselines = {{"kind", "popular"}};
  EXPECT_THAT(Error(kRows, options), HasSubstr("'kind' is multi-class"));
}

}  // namespace
}  // namespace polyscene::cli
