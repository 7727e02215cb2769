// The commands of an operator, run as programs: watch (not on a terminal), health, pause, resume, status.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "model/report/figure_json.h"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "tests/unit/client/cli/run_command.h"
#include "tests/unit/client/lib/fake_training_service.h"
#include "tests/unit/client/status/statuses.h"

namespace polyscene::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void SetPair(const char* first, const char* second, double cosine, v1::GradientPair& pair) {
  pair.set_first(first);
  pair.set_second(second);
  pair.set_cosine(cosine);
}

// Five losses that rose, one a day after the other.
google::protobuf::RepeatedPtrField<v1::DriftStatus> RisenLosses() {
  google::protobuf::RepeatedPtrField<v1::DriftStatus> drift;
  for (int day = 0; day < 5; ++day) {
    v1::DriftStatus* one = drift.Add();
    one->set_scene("search");
    one->set_task(absl::StrCat("task", day));
    one->set_level(0.25);
    one->set_alarms(day + 1);
    one->set_last_alarm_event_micros(1735689600000000 + day * int64_t{86'400'000'000});
  }
  return drift;
}

// A shop that is open for a minute and then two seconds longer, in each stream. Streams but the last end after that.
class FakeModelService final : public v1::ModelService::Service {
 public:
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::GetStatusResponse* response) override {
    *response = LaterShop();
    response->set_learning_paused(paused);
    response->set_trainer_share(trainer_share);
    if (joins) {
      response->mutable_joiner()->set_remembered_requests(1200);
      response->mutable_joiner()->set_joined_rows(30500);
      response->mutable_joiner()->set_corrected_labels(2);
      *response->mutable_served_evaluation() = response->evaluation();
    }
    if (fades) {
      v1::EvaluationFigure* figure = response->add_fading_evaluation();
      figure->set_scene("search");
      figure->set_task("click");
      figure->set_metric("log_loss");
      figure->set_value(0.25);
      figure->set_rows(1443);
    }
    if (drifts) {
      *response->mutable_drift() = RisenLosses();
    }
    if (conflicts) {
      SetPair("click", "spend", -0.3125, *response->mutable_worst_tasks());
      SetPair("home", "search", 0.42, *response->mutable_worst_scenes());
    }
    return grpc::Status::OK;
  }
  grpc::Status WatchStatus(grpc::ServerContext*, const v1::WatchStatusRequest* request,
                           grpc::ServerWriter<v1::GetStatusResponse>* writer) override {
    if (request->evaluation_of() == "nobody") {
      return grpc::Status(grpc::StatusCode::NOT_FOUND, "producer 'nobody' opened no evaluation");
    }
    writer->Write(EarlierShop());
    writer->Write(LaterShop());
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is stopping");
  }
  grpc::Status PauseLearning(grpc::ServerContext*, const v1::PauseLearningRequest*,
                             v1::PauseLearningResponse* response) override {
    paused = true;
    response->set_learned_offset(43100);
    return grpc::Status::OK;
  }
  grpc::Status ResumeLearning(grpc::ServerContext*, const v1::ResumeLearningRequest*,
                              v1::ResumeLearningResponse* response) override {
    paused = false;
    response->set_learned_offset(43100);
    return grpc::Status::OK;
  }

  grpc::Status Backup(grpc::ServerContext*, const v1::BackupRequest* request, v1::BackupResponse* response) override {
    if (request->directory() == "/taken") return grpc::Status(grpc::StatusCode::ALREADY_EXISTS, "'/taken' is there");
    response->set_directory(request->directory());
    response->set_bytes(3 << 20);
    response->set_log_end_offset(51100);
    response->set_checkpoint_offset(40000);
    return grpc::Status::OK;
  }

  std::atomic<bool> paused{false};
  std::atomic<double> trainer_share{1};
  std::atomic<bool> drifts{false};     // It has something of drift.
  std::atomic<bool> fades{false};      // It has a fading evaluation.
  std::atomic<bool> conflicts{false};  // The status has something of gradients.
  std::atomic<bool> joins{false};      // The status has something of remembered requests.
};

class OperateTest : public ::testing::Test {
 protected:
  OperateTest() {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    grpc::EnableDefaultHealthCheckService(false);
  }
  ~OperateTest() override { server_->Shutdown(std::chrono::system_clock::now()); }

  Ran Run(const std::string& arguments) { return Polyscene(absl::StrCat(arguments, " --server 127.0.0.1:", port_)); }

  int port_ = 0;
  FakeModelService service_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(OperateTest, HealthIsAnExitStatusWithAReason) {
  server_->GetHealthCheckService()->SetServingStatus("polyscene.v1.PredictionService", false);
  const Ran well = Run("health");
  EXPECT_EQ(well.exit_status, 0);
  EXPECT_EQ(well.out, "SERVING\n");

  const Ran not_serving = Run("health --service polyscene.v1.PredictionService");
  EXPECT_EQ(not_serving.exit_status, 1);
  EXPECT_EQ(not_serving.out, "");
  EXPECT_THAT(not_serving.err, AllOf(HasSubstr("'polyscene.v1.PredictionService'"), HasSubstr("NOT_SERVING")));

  const Ran unknown = Run("health --json --service other.Service");
  EXPECT_EQ(unknown.exit_status, 1);
  const Json json = Json::parse(unknown.out);
  EXPECT_EQ(json["serving"], false);
  EXPECT_EQ(json["service"], "other.Service");
  EXPECT_THAT(json["reason"].get<std::string>(), HasSubstr("does not know service 'other.Service'"));

  const Ran nobody = Polyscene("health --server 127.0.0.1:1");
  EXPECT_EQ(nobody.exit_status, 1);
  EXPECT_THAT(nobody.err, HasSubstr("127.0.0.1:1"));
  EXPECT_EQ(Run("health --timeout 0").exit_status, 2);
}

TEST_F(OperateTest, PausingIsSeenInTheStatusUntilResuming) {
  const Ran paused = Run("pause");
  EXPECT_EQ(paused.exit_status, 0) << paused.err;
  EXPECT_EQ(paused.out, "paused: learning stands at offset 43,100 of the event log\n");
  EXPECT_THAT(Run("status").out, HasSubstr("learning          paused"));
  EXPECT_EQ(Json::parse(Run("status --json").out)["learning_paused"], true);

  EXPECT_EQ(Run("resume --json").out, "{\"learning_paused\":false,\"learned_offset\":43100}\n");
  EXPECT_THAT(Run("status").out, HasSubstr("learning          on"));
}

TEST_F(OperateTest, StatusTellsHowMuchOfTheTimeIsLeftToLearning) {
  service_.trainer_share = 0.35;
  EXPECT_THAT(Run("status").out, HasSubstr("learning          on, 35% of the time at most"));
  EXPECT_EQ(Json::parse(Run("status --json").out)["trainer_share"], 0.35);
}

TEST_F(OperateTest, StatusTellsTrafficQueueAndWhatWasRefused) {
  const Ran ran = Run("status");
  EXPECT_THAT(ran.out, AllOf(HasSubstr("rejected since the start 4"), HasSubstr("12 rows waiting for Predict"),
                             HasSubstr("search                      1,200      11  120,000")));
  const Json json = Json::parse(Run("status --json").out);
  EXPECT_EQ(json["events_rejected"], 4);
  EXPECT_EQ(json["queue_rows"], 12);
  EXPECT_EQ(json["traffic"][0]["requests"], 1200);
  EXPECT_EQ(json["traffic"][0]["predict_seconds"]["counts"][1], 600);
  EXPECT_EQ(json["freshness_seconds"]["counts"][1], 100);
}

TEST_F(OperateTest, StatusTellsOfRememberedRequestsWhereThereAreAny) {
  EXPECT_THAT(Run("status").out, Not(HasSubstr("remembered")));
  EXPECT_EQ(Json::parse(Run("status --json").out)["joiner"]["joined_rows"], 0);
  service_.joins = true;
  EXPECT_THAT(Run("status").out, AllOf(HasSubstr("remembered        1,200 requests"),
                                       HasSubstr("late labels       30,500 rows joined, 2 corrected"),
                                       HasSubstr("Answers that callers got")));
  const Json json = Json::parse(Run("status --json").out);
  EXPECT_EQ(json["joiner"]["joined_rows"], 30500);
  EXPECT_EQ(json["served_evaluation"].size(), json["evaluation"].size());
}

TEST_F(OperateTest, StatusNamesTheTasksThatConflictMost) {
  EXPECT_THAT(Run("status").out, Not(HasSubstr("worst tasks")));
  EXPECT_TRUE(Json::parse(Run("status --json").out)["worst_tasks"].is_null());
  service_.conflicts = true;
  EXPECT_THAT(Run("status").out, AllOf(HasSubstr("worst tasks       click and spend, cosine -0.31: they conflict\n"),
                                       HasSubstr("worst scenes      home and search, cosine 0.42\n")));
  const Json json = Json::parse(Run("status --json").out);
  EXPECT_EQ(json["worst_tasks"]["first"], "click");
  EXPECT_EQ(json["worst_tasks"]["second"], "spend");
  EXPECT_EQ(json["worst_tasks"]["cosine"], -0.3125);
  EXPECT_EQ(json["worst_scenes"]["cosine"], 0.42);
}

TEST_F(OperateTest, StatusTellsOfDrift) {
  EXPECT_THAT(Run("status").out, Not(HasSubstr("drift")));
  EXPECT_TRUE(Json::parse(Run("status --json").out)["drift"].empty());
  service_.drifts = true;
  EXPECT_THAT(Run("status").out,
              HasSubstr("drift             task4 in search, 5 alarms, last at 2025-01-05 00:00:00 UTC; "
                        "task3 in search, 4 alarms, last at 2025-01-04 00:00:00 UTC; "
                        "task2 in search, 3 alarms, last at 2025-01-03 00:00:00 UTC; 2 more\n"));
  const Json json = Json::parse(Run("status --json").out);
  EXPECT_EQ(json["drift"][0]["scene"], "search");
  EXPECT_EQ(json["drift"].size(), 5);
  EXPECT_EQ(json["drift"][0]["task"], "task0");
  EXPECT_EQ(json["drift"][0]["level"], 0.25);
  EXPECT_EQ(json["drift"][0]["alarms"], 1);
  EXPECT_EQ(json["drift"][0]["last_alarm_event_micros"], 1735689600000000);
}

TEST_F(OperateTest, StatusTellsTheFadingEvaluation) {
  EXPECT_THAT(Run("status").out, Not(HasSubstr("fading")));
  EXPECT_TRUE(Json::parse(Run("status --json").out)["fading_evaluation"].empty());
  service_.fades = true;
  EXPECT_THAT(Run("status").out, HasSubstr("Of every row, older ones fading away\n"
                                           "scene   task    rows  log_loss\n"));
  const Json figure = Json::parse(Run("status --json").out)["fading_evaluation"][0];
  EXPECT_EQ(figure["scene"], "search");
  EXPECT_EQ(figure["task"], "click");
  EXPECT_EQ(figure["metric"], "log_loss");
  EXPECT_EQ(figure["value"], 0.25);
  EXPECT_EQ(figure["rows"], 1443);
}

TEST_F(OperateTest, ABackupIsAskedForByItsAbsolutePath) {
  const Ran ran = Run("backup /data/../backup/");
  EXPECT_EQ(ran.exit_status, 0) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("/backup: 3.0 MiB"), HasSubstr("log up to offset 51,100, checkpoint at offset 40,000")));
  const Json json = Json::parse(Run("backup here --json").out);
  EXPECT_EQ(json["directory"], (std::filesystem::current_path() / "here").string());
  EXPECT_EQ(json["bytes"], 3 << 20);
  EXPECT_EQ(json["log_end_offset"], 51100);
  EXPECT_EQ(json["checkpoint_offset"], 40000);
  const Ran taken = Run("backup /taken");
  EXPECT_EQ(taken.exit_status, 1);
  EXPECT_THAT(taken.err, HasSubstr("'/taken' is there"));
  EXPECT_EQ(Run("backup").exit_status, 2);
}

TEST_F(OperateTest, WatchingWithoutATerminalIsALineAnAnswer) {
  const Ran ran = Run("watch --count 2");
  EXPECT_EQ(ran.exit_status, 0) << ran.err;
  const std::vector<std::string> lines = absl::StrSplit(ran.out, '\n');
  ASSERT_EQ(lines.size(), 3u) << ran.out;
  EXPECT_THAT(lines[0], HasSubstr("  version 17  predict -  learned -  backlog 10000  "));
  EXPECT_THAT(lines[1], HasSubstr("  version 18  predict 100/s  p99 9.82 ms  learned 1,500/s  backlog 8000  "));
  EXPECT_THAT(lines[1], HasSubstr("click auc 0.7500"));
}

TEST_F(OperateTest, WatchingInJsonIsAnObjectAnAnswerAndOutlastsTheStreamsEnd) {
  const Ran ran = Run("watch --json --count 4 --interval 0.1");
  EXPECT_EQ(ran.exit_status, 0) << ran.err;
  const std::vector<std::string> lines = absl::StrSplit(ran.out, '\n');
  ASSERT_EQ(lines.size(), 5u) << ran.out;
  EXPECT_TRUE(Json::parse(lines[0])["rates"].is_null());
  EXPECT_EQ(Json::parse(lines[1])["version"], 18);
  EXPECT_EQ(Json::parse(lines[1])["rates"]["events_learned"], 1500);
  EXPECT_TRUE(Json::parse(lines[2])["rates"].is_null());  // Up for less than before: the server began again.
  EXPECT_THAT(ran.err, AllOf(HasSubstr("the server is stopping; trying again"), HasSubstr("answers")));
}

TEST_F(OperateTest, WatchingWhatCannotBeWatchedFails) {
  const Ran ran = Run("watch --json --evaluation_of nobody");
  EXPECT_EQ(ran.exit_status, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("producer 'nobody' opened no evaluation"));
  EXPECT_EQ(Run("watch --interval 0.01").exit_status, 2);
  EXPECT_EQ(Run("watch --count 0").exit_status, 2);
}

}  // namespace
}  // namespace polyscene::cli
