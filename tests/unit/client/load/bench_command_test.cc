// `polyscene bench` as its users run it, against services in this process.
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "polyscene/v1/prediction.grpc.pb.h"
#include "tests/integration/marketplace/programs.h"
#include "tests/unit/client/lib/fake_training_service.h"

namespace polyscene {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class FakeModelService final : public v1::ModelService::Service {
 public:
  grpc::Status GetModel(grpc::ServerContext*, const v1::GetModelRequest*, v1::GetModelResponse* response) override {
    google::protobuf::TextFormat::ParseFromString(R"(
      name: "shop"
      features { name: "item" side: CANDIDATE type: INT64 required: true encode { hash {} } }
      scenes { name: "search" tasks: "click" }
      tasks { name: "click" binary {} })",
                                                  response->mutable_model());
    return grpc::Status::OK;
  }
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::GetStatusResponse*) override {
    return grpc::Status::OK;
  }
};

class FakePredictionService final : public v1::PredictionService::Service {
 public:
  bool refuse = false;

  grpc::Status Predict(grpc::ServerContext*, const v1::PredictRequest* request,
                       v1::PredictResponse* response) override {
    std::lock_guard<std::mutex> lock(mu_);
    rows_ = request->candidates(0).ints_size();
    ++calls_;
    changed_.notify_all();
    response->mutable_model()->set_version(9);
    return refuse ? grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "candidates: too many") : grpc::Status::OK;
  }

  void WaitForCalls(int calls) {
    std::unique_lock<std::mutex> lock(mu_);
    changed_.wait(lock, [&] { return calls_ >= calls; });
  }
  int rows() {
    std::lock_guard<std::mutex> lock(mu_);
    return rows_;
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  int calls_ = 0;
  int rows_ = 0;
};

class BenchCommandTest : public ::testing::Test {
 protected:
  std::vector<std::string> Words(const std::vector<std::string>& flags) const {
    std::vector<std::string> words = {POLYSCENE_PROGRAM, "bench", "--server", server_.address()};
    words.insert(words.end(), flags.begin(), flags.end());
    return words;
  }
  ProgramResult Bench(const std::vector<std::string>& flags) const { return RunProgram(Words(flags)); }

  FakeModelService model_;
  FakePredictionService prediction_;
  TestServer server_{{&model_, &prediction_}};
};

TEST_F(BenchCommandTest, JsonIsOneObjectWithTheFigures) {
  const ProgramResult result =
      Bench({"--rate", "200", "--warmup", "0", "--seconds", "0.5", "--candidates", "7", "--json"});
  ASSERT_EQ(result.exit_status, 0) << result.error;
  const json figures = json::parse(result.out);
  EXPECT_GT(figures["requests"], 0);
  EXPECT_EQ(figures["errors"], 0);
  EXPECT_GT(figures["rate"], 0);
  for (const char* const key : {"p50_seconds", "p90_seconds", "p99_seconds", "p999_seconds"}) {
    EXPECT_GT(figures[key], 0) << key;
  }
  EXPECT_EQ(figures["last_version"], 9);
  EXPECT_EQ(prediction_.rows(), 7);
}

TEST_F(BenchCommandTest, AClosedLoopPrintsATable) {
  const ProgramResult result = Bench({"--concurrency", "2", "--warmup", "0", "--seconds", "0.2"});
  EXPECT_EQ(result.exit_status, 0) << result.error;
  EXPECT_THAT(result.out, AllOf(HasSubstr("closed loop, 2 callers, 100 rows a request"), HasSubstr("p99.9")));
}

TEST_F(BenchCommandTest, ARunWithoutAnAnswerIsAFailureAndSaysWhy) {
  prediction_.refuse = true;
  const ProgramResult result = Bench({"--warmup", "0", "--seconds", "0.2"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.out, HasSubstr("INVALID_ARGUMENT: candidates: too many"));
  EXPECT_THAT(result.error, HasSubstr("no request was answered"));
}

TEST_F(BenchCommandTest, ASignalEndsItWithTheFiguresUntilThen) {
  BackgroundProgram bench(Words({"--rate", "500", "--warmup", "0", "--seconds", "3600", "--json"}));
  prediction_.WaitForCalls(20);
  EXPECT_EQ(bench.Stop(), 1);
  const json figures = json::parse(absl::StrCat("{", bench.WaitForLine("{")));
  EXPECT_EQ(figures["interrupted"], true);
  EXPECT_GT(figures["requests"], 0);
}

TEST_F(BenchCommandTest, WrongUseExitsWith2) {
  EXPECT_EQ(Bench({"--rate", "5", "--concurrency", "5"}).exit_status, 2);
  EXPECT_EQ(Bench({"--rate", "-5"}).exit_status, 2);
  EXPECT_EQ(Bench({"--seconds", "forever"}).exit_status, 2);
}

TEST_F(BenchCommandTest, AFileThatIsNotThereIsAClearError) {
  for (const char* const flag : {"--rows", "--while_streaming"}) {
    const ProgramResult result = Bench({flag, "/nonexistent/rows.csv"});
    EXPECT_EQ(result.exit_status, 1) << flag;
    EXPECT_THAT(result.error, HasSubstr("/nonexistent/rows.csv: No such file")) << flag;
  }
}

TEST(BenchWithoutServerTest, IsAClearError) {
  const ProgramResult result = RunProgram({POLYSCENE_PROGRAM, "bench", "--server", "127.0.0.1:1"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.error, AllOf(HasSubstr("server 127.0.0.1:1"), HasSubstr("UNAVAILABLE")));
}

}  // namespace
}  // namespace polyscene
