// Load through gRPC, on a PredictionService in this process.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/load/load_run.h"
#include "client/load/stream_caller.h"
#include "client/load/unary_caller.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "polyscene/v1/prediction.grpc.pb.h"
#include "tests/unit/client/lib/fake_training_service.h"

namespace polyscene::load {
namespace {

// Answers with the request's scene as it came; says RESOURCE_EXHAUSTED to a scene "full".
class FakePredictionService final : public v1::PredictionService::Service {
 public:
  // The first `hold` requests are answered once that many have come.
  int hold = 0;
  int end_stream_after = 0;  // Requests; 0: never.
  bool silent = false;       // Streams are never answered.

  grpc::Status Predict(grpc::ServerContext*, const v1::PredictRequest* request,
                       v1::PredictResponse* response) override {
    Arrive();
    return Answer(*request, response);
  }

  grpc::Status PredictStream(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::PredictStreamResponse, v1::PredictStreamRequest>* stream) override {
    std::vector<v1::PredictStreamRequest> held;
    v1::PredictStreamRequest request;
    for (int count = 1; stream->Read(&request); ++count) {
      {
        std::lock_guard<std::mutex> lock(mu_);
        timeouts_.push_back(request.timeout_milliseconds());
      }
      if (silent) continue;
      if (count == end_stream_after) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is stopping");
      held.push_back(request);
      if (count < hold) continue;
      while (!held.empty()) {  // The last one first: answers need not come in order.
        v1::PredictStreamResponse response;
        response.set_id(held.back().id());
        const grpc::Status status = Answer(held.back().request(), response.mutable_response());
        if (!status.ok()) {
          response.mutable_error()->set_code(status.error_code());
          response.mutable_error()->set_message(status.error_message());
        }
        stream->Write(response);
        held.pop_back();
      }
    }
    return grpc::Status::OK;
  }

  void Release() {
    std::lock_guard<std::mutex> lock(mu_);
    hold = 0;
    all_came_.notify_all();
  }

  std::vector<std::string> scenes() {
    std::lock_guard<std::mutex> lock(mu_);
    return scenes_;
  }
  std::vector<uint32_t> timeouts() {
    std::lock_guard<std::mutex> lock(mu_);
    return timeouts_;
  }

 private:
  void Arrive() {
    std::unique_lock<std::mutex> lock(mu_);
    ++arrived_;
    all_came_.notify_all();
    all_came_.wait(lock, [this] { return arrived_ >= hold; });
  }

  grpc::Status Answer(const v1::PredictRequest& request, v1::PredictResponse* response) {
    std::lock_guard<std::mutex> lock(mu_);
    scenes_.push_back(request.scene());
    if (request.scene() == "full") return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "the queue is full");
    response->mutable_model()->set_version(17);
    return grpc::Status::OK;
  }

  std::mutex mu_;
  std::condition_variable all_came_;
  int arrived_ = 0;
  std::vector<std::string> scenes_;
  std::vector<uint32_t> timeouts_;
};

PreparedRequest Request(const std::string& scene) {
  v1::PredictRequest request;
  request.set_scene(scene);
  return {scene, 1, request.SerializeAsString()};
}

// Each test runs with unary calls (false) and with streams (true).
class CallersTest : public ::testing::TestWithParam<bool> {
 protected:
  CallersTest() {
    options_.rate = 1000;
    options_.arrivals = Arrivals::Kind::kUniform;
    options_.warmup = absl::ZeroDuration();
    options_.duration = absl::Milliseconds(101);
    options_.timeout = absl::Seconds(60);
  }

  LoadResult Run(int connections = 1) {
    auto channels = Connect(server_->address(), connections, absl::Seconds(60));
    EXPECT_TRUE(channels.ok()) << channels.status();
    std::unique_ptr<Caller> caller;
    if (GetParam()) {
      caller = std::make_unique<StreamCaller>(*channels, pool_);
    } else {
      caller = std::make_unique<UnaryCaller>(*channels, pool_);
    }
    if (stop_server_) server_->Stop();
    MonotonicClock clock;
    return LoadRun(options_, pool_, *caller, clock).Run(never_);
  }

  FakePredictionService service_;
  std::unique_ptr<TestServer> server_ = std::make_unique<TestServer>(std::vector<grpc::Service*>{&service_});
  std::vector<PreparedRequest> pool_ = {Request("search")};
  LoadOptions options_;
  bool stop_server_ = false;
  const std::atomic<bool> never_{false};
};

TEST_P(CallersTest, RequestsArriveAsTheyAreAndAnswersAreCounted) {
  pool_ = {Request("search"), Request("feed")};
  const Measured measured = Run().measured;
  EXPECT_EQ(measured.requests, 100);
  EXPECT_EQ(measured.answered, 100);
  EXPECT_EQ(measured.error_count(), 0);
  EXPECT_THAT(measured.versions, ::testing::ElementsAre(17));
  const std::vector<std::string> scenes = service_.scenes();
  EXPECT_EQ(std::count(scenes.begin(), scenes.end(), "search"), 50);
  EXPECT_EQ(std::count(scenes.begin(), scenes.end(), "feed"), 50);
}

// The server answers nothing until 50 requests have come: a generator that waits for answers would wait for ever. The
// first request waits at least until the fiftieth was due.
TEST_P(CallersTest, AStallHoldsNoRequestBackAndIsInTheLatency) {
  service_.hold = 50;
  const Measured measured = Run().measured;
  EXPECT_EQ(measured.answered, 100);
  EXPECT_GE(measured.latency.max(), absl::Milliseconds(49));
  EXPECT_GE(measured.latency.QuantileSeconds(0.99), 0.047);
}

TEST_P(CallersTest, ErrorsAreCountedByCode) {
  pool_ = {Request("search"), Request("full")};
  const Measured measured = Run().measured;
  EXPECT_EQ(measured.answered, 50);
  EXPECT_EQ(measured.errors.at("RESOURCE_EXHAUSTED").count, 50);
  EXPECT_EQ(measured.errors.at("RESOURCE_EXHAUSTED").message, "the queue is full");
}

TEST_P(CallersTest, AClosedLoopRunsOnSeveralConnections) {
  options_.rate = 0;
  options_.concurrency = 4;
  const LoadResult result = Run(/*connections=*/3);
  EXPECT_GT(result.measured.answered, 4);
  EXPECT_EQ(result.measured.error_count(), 0);
}

TEST_P(CallersTest, AServerThatGoesAwayIsUnavailable) {
  stop_server_ = true;
  const Measured measured = Run().measured;
  EXPECT_EQ(measured.requests, 100);
  EXPECT_EQ(measured.errors.at("UNAVAILABLE").count, 100);
}

INSTANTIATE_TEST_SUITE_P(UnaryAndStream, CallersTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Stream" : "Unary"; });

class StreamCallerTest : public CallersTest {};

TEST_P(StreamCallerTest, ABrokenStreamIsOpenedAgain) {
  service_.end_stream_after = 10;
  const Measured measured = Run().measured;
  EXPECT_GT(measured.answered, 9);  // More than one stream's.
  EXPECT_GT(measured.errors.at("UNAVAILABLE").count, 0);
  EXPECT_EQ(measured.answered + measured.error_count(), 100);
}

TEST_P(StreamCallerTest, TheServerIsToldTheTimeout) {
  options_.timeout = absl::Milliseconds(750);
  Run();
  EXPECT_THAT(service_.timeouts(), ::testing::Each(750u));
}

TEST_P(StreamCallerTest, WhatIsNeverAnsweredIsCancelledAtTheEnd) {
  service_.silent = true;
  options_.timeout = absl::Milliseconds(1);
  EXPECT_EQ(Run().measured.errors.at("CANCELLED").count, 100);
}

INSTANTIATE_TEST_SUITE_P(Stream, StreamCallerTest, ::testing::Values(true));

TEST(UnaryCallerTest, TheDeadlineIsKept) {
  FakePredictionService service;
  service.hold = 101;
  std::vector<PreparedRequest> pool = {Request("search")};
  LoadOptions options;
  options.rate = 1000;
  options.warmup = absl::ZeroDuration();
  options.duration = absl::Milliseconds(50);
  options.timeout = absl::Milliseconds(20);
  Measured measured;
  {
    TestServer server({&service});
    auto channels = Connect(server.address(), 1, absl::Seconds(60));
    ASSERT_TRUE(channels.ok()) << channels.status();
    UnaryCaller caller(*channels, pool);
    MonotonicClock clock;
    const std::atomic<bool> never{false};
    measured = LoadRun(options, pool, caller, clock).Run(never).measured;
    service.Release();
  }
  EXPECT_GT(measured.requests, 0);
  EXPECT_EQ(measured.errors.at("DEADLINE_EXCEEDED").count, measured.requests);
  EXPECT_GE(measured.latency.QuantileSeconds(0), 0.0199);
}

TEST(ConnectTest, NoServerIsUnavailable) {
  const auto channels = Connect("127.0.0.1:1", 2, absl::Milliseconds(50));
  EXPECT_EQ(channels.status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace polyscene::load
