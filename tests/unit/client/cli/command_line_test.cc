// The program itself: exit statuses and messages of `polyscene`, run as its users run it.
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/status/status_json.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "polyscene/v1/prediction.grpc.pb.h"
#include "tests/unit/client/cli/run_command.h"
#include "tests/unit/client/lib/fake_training_service.h"

namespace polyscene::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(UsageTest, WhatIsWrittenWronglyExitsWith2AndSaysWhatIsWrong) {
  EXPECT_EQ(Polyscene("").exit_status, 2);
  EXPECT_EQ(Polyscene("lern").exit_status, 2);
  EXPECT_EQ(Polyscene("stream").exit_status, 2);
  EXPECT_EQ(Polyscene("status --bogus").exit_status, 2);
  EXPECT_EQ(Polyscene("status 17").exit_status, 2);
  EXPECT_EQ(Polyscene("stream f.csv --batch_rows 0").exit_status, 2);
  EXPECT_EQ(Polyscene("stream f.csv --limit many").exit_status, 2);
  EXPECT_EQ(Polyscene("stream f.csv --producer ''").exit_status, 2);
  const Ran milestone = Polyscene("stream f.csv --wait_for printed");
  EXPECT_EQ(milestone.exit_status, 2);
  EXPECT_THAT(milestone.err, AllOf(HasSubstr("--wait_for"), HasSubstr("printed")));
  const Ran time = Polyscene("stream f.csv --evaluate_from yesterday");
  EXPECT_EQ(time.exit_status, 2);
  EXPECT_THAT(time.err, AllOf(HasSubstr("--evaluate_from: got 'yesterday'"), HasSubstr("ISO 8601")));
  const Ran context = Polyscene("predict --context user");
  EXPECT_EQ(context.exit_status, 2);
  EXPECT_THAT(context.err, HasSubstr("expected NAME=VALUE"));
}

TEST(UsageTest, AWordThatIsNoCommandIsToldWithThoseThatAre) {
  const Ran ran = Polyscene("stat --json");
  EXPECT_EQ(ran.exit_status, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("got 'stat'"), HasSubstr("status")));
}

TEST(UsageTest, TheVersionIsTold) {
  const Ran ran = Polyscene("--version");
  EXPECT_EQ(ran.exit_status, 0);
  EXPECT_THAT(ran.out, HasSubstr("polyscene 0."));
}

TEST(UsageTest, HelpExitsWith0AndHasAnExample) {
  for (const char* const command :
       {"", "bench", "health", "pause", "predict", "resume", "stream", "simulate", "status", "watch"}) {
    const Ran help = Polyscene(absl::StrCat(command, " --help"));
    EXPECT_EQ(help.exit_status, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("Example")) << command;
  }
}

TEST(UsageTest, AFileThatIsNotThereExitsWith1WithoutAServer) {
  const Ran ran = Polyscene("stream /nonexistent/events.csv");
  EXPECT_EQ(ran.exit_status, 1);
  EXPECT_THAT(ran.err, HasSubstr("/nonexistent/events.csv: No such file"));
}

class FakeModelService final : public v1::ModelService::Service {
 public:
  grpc::Status GetModel(grpc::ServerContext*, const v1::GetModelRequest*, v1::GetModelResponse* response) override {
    google::protobuf::TextFormat::ParseFromString(R"(
      name: "shop"
      features { name: "user" side: CONTEXT type: INT64 required: true }
      scenes { name: "search" tasks: "click" }
      tasks { name: "click" binary {} })",
                                                  response->mutable_model());
    return grpc::Status::OK;
  }
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest* request,
                         v1::GetStatusResponse* response) override {
    response->mutable_model()->set_version(7);
    response->set_serving(true);
    if (!request->evaluation_of().empty()) {
      v1::EvaluationFigure* const figure = response->add_evaluation();
      figure->set_scene("search");
      figure->set_task("click");
      figure->set_metric("auc");
      figure->set_value(0.625);
      figure->set_rows(3);
    }
    return grpc::Status::OK;
  }
};

class FakePredictionService final : public v1::PredictionService::Service {
 public:
  grpc::Status Predict(grpc::ServerContext*, const v1::PredictRequest* request,
                       v1::PredictResponse* response) override {
    v1::TaskScores* const scores = response->add_scores();
    scores->set_task("click");
    scores->set_outputs(1);
    for (const int64_t user : request->context(0).ints()) {
      scores->add_values(static_cast<float>(user) / 16);
      response->add_ranking(static_cast<float>(user) / 16);
    }
    return grpc::Status::OK;
  }
};

class CommandTest : public ::testing::Test {
 protected:
  std::string Server() const { return absl::StrCat(" --server ", server_.address(), " "); }

  std::string File(const std::string& content) {
    const std::string path = TestPath("input");
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  // Of the producer that opened the first stream.
  auto LoggedRows() { return training_.LoggedRows(training_.opened().at(0).producer_id()); }

  FakeModelService model_;
  FakeTrainingService training_;
  FakePredictionService prediction_;
  TestServer server_{{&model_, &training_, &prediction_}};
};

TEST_F(CommandTest, FlagsOfAllCommandsMayStandBeforeOrAfterTheCommand) {
  EXPECT_EQ(Polyscene(absl::StrCat("--json", Server(), "status")).out,
            Polyscene(absl::StrCat("status", Server(), "--json")).out);
}

TEST_F(CommandTest, StatusPrintsTextOrOneJsonObject) {
  EXPECT_THAT(Polyscene(absl::StrCat("status", Server())).out, HasSubstr("serving"));
  const Ran ran = Polyscene(absl::StrCat("status --json", Server()));
  EXPECT_EQ(ran.exit_status, 0);
  EXPECT_EQ(Json::parse(ran.out)["version"], 7);
}

TEST_F(CommandTest, StreamSendsEveryRowAndPrintsTheEvaluation) {
  const std::string file = File("user,click\n1,0\n2,1\n3,\n");

  const Ran ran = Polyscene(absl::StrCat("stream ", file, Server(), "--producer p"));

  EXPECT_EQ(ran.exit_status, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("3 rows sent, 3 accepted"), HasSubstr("search  click     3  0.6250")));
  EXPECT_EQ(LoggedRows().size(), 3u);
  EXPECT_EQ(training_.opened()[0].evaluate_from_micros(), 0);
}

TEST_F(CommandTest, StreamAgainWithTheSameProducerSendsNothingTwice) {
  const std::string file = File("user,click\n1,0\n2,1\n3,\n");
  Polyscene(absl::StrCat("stream ", file, Server(), "--producer p"));

  const Ran ran = Polyscene(absl::StrCat("stream ", file, Server(), "--producer p --json"));

  EXPECT_EQ(ran.exit_status, 0) << ran.err;
  EXPECT_EQ(Json::parse(ran.out)["rows_known"], 3);
  EXPECT_EQ(LoggedRows().size(), 3u);
}

TEST_F(CommandTest, AnotherFileOrCutUnderTheSameProducerIsANewStreamAndLosesNothing) {
  Polyscene(absl::StrCat("stream ", File("user,click\n1,0\n2,1\n3,\n"), Server(), "--producer p"));
  const std::string grown = File("user,click\n1,0\n2,1\n3,\n4,1\n");

  const Ran all = Polyscene(absl::StrCat("stream ", grown, Server(), "--producer p --json"));
  const Ran cut = Polyscene(absl::StrCat("stream ", grown, Server(), "--producer p --json --batch_rows 2"));

  EXPECT_EQ(Json::parse(all.out)["rows_accepted"], 4);
  EXPECT_EQ(Json::parse(cut.out)["rows_accepted"], 4);
}

TEST_F(CommandTest, RefusedLinesAreToldGoodRowsCountAndTheExitStatusIs1) {
  training_.refuse = [](uint64_t, uint32_t row) { return row == 1; };
  const std::string file = File("user,click\n1,0\nx,1\n2\n3,7\n4,1\n");

  const Ran ran = Polyscene(absl::StrCat("stream --json ", file, Server(), "--producer p"));

  EXPECT_EQ(ran.exit_status, 1);
  EXPECT_THAT(
      ran.err,
      AllOf(HasSubstr("refused line 3: column 'user': got 'x'"), HasSubstr("refused line 4: has 1 field"),
            HasSubstr("refused line 5: the script refuses it [out_of_range]"), HasSubstr("3 rows were refused")));
  const Json json = Json::parse(ran.out);
  EXPECT_EQ(json["rows_sent"], 3);
  EXPECT_EQ(json["rows_accepted"], 2);
  EXPECT_EQ(json["rows_rejected"], 3);
  EXPECT_EQ(json["lines_rejected"], 2);
  EXPECT_GT(json["events_per_second"], 0);
  EXPECT_EQ(json["evaluation"][0]["value"], 0.625);

  EXPECT_EQ(Polyscene(absl::StrCat("stream ", file, Server(), "--producer q --max_rejected 3")).exit_status, 0);
}

TEST_F(CommandTest, AWrongHeaderExitsWith1BeforeAnythingIsSent) {
  const Ran ran = Polyscene(absl::StrCat("stream ", File("usr,clik\n1,0\n"), Server(), "--producer p"));

  EXPECT_EQ(ran.exit_status, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("column 'user' of the required feature 'user'"), HasSubstr("usr, clik")));
  EXPECT_TRUE(training_.opened().empty());
}

TEST_F(CommandTest, OfATruncatedGzipTheRowsBeforeItsEndAreSentAndTheExitStatusIs1) {
  const std::string path = TestPath("cut.csv.gz");
  const std::string rows =
      "awk 'BEGIN { srand(1); print \"user,click\"; for (i = 0; i < 20000; ++i) print int(1e9 * rand()) \",1\" }'";
  ASSERT_EQ(std::system(absl::StrCat(rows, " | gzip -c | head -c 50000 > ", path).c_str()), 0);

  const Ran ran = Polyscene(absl::StrCat("stream --json ", path, Server(), "--producer p"));

  EXPECT_EQ(ran.exit_status, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("the gzip data ends too early"), HasSubstr("DATA_LOSS")));
  EXPECT_GT(LoggedRows().size(), 1000u);
  EXPECT_EQ(Json::parse(ran.out)["rows_accepted"], LoggedRows().size());
}

TEST_F(CommandTest, PredictRanksRowsFromAFileOrStandardInput) {
  const Ran file = Polyscene(absl::StrCat("predict --scene search --json --top 1 ", File("user\n4\n8\n"), Server()));
  EXPECT_EQ(file.exit_status, 0) << file.err;
  EXPECT_EQ(Json::parse(file.out)["rows"][0]["scores"]["click"], 0.5);

  const Ran input = Polyscene(absl::StrCat("predict - --json", Server(), "<", File(R"([{"user": 4}, {"user": 8}])")));
  EXPECT_EQ(input.exit_status, 0) << input.err;
  EXPECT_EQ(Json::parse(input.out)["rows"][0]["row"], 1);
}

TEST_F(CommandTest, PredictFailsWith1WhereTheModelDoesNotFit) {
  const Ran ran = Polyscene(absl::StrCat("predict --scene serach ", File("user\n4\n"), Server()));
  EXPECT_EQ(ran.exit_status, 1);
  EXPECT_THAT(ran.err, HasSubstr("scene 'serach' is not in the model, expected one of search"));
}

}  // namespace
}  // namespace polyscene::cli
