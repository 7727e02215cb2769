// PredictStream where a test decides when scores come.
#include <chrono>
#include <map>
#include <string>
#include <thread>

#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class FakePredictStreamTest : public ServerFixture {
 protected:
  void SetUp() override {
    settings().config.set_predict_threads(1);
    settings().config.set_max_stream_requests(8);
    StartServer();
  }
  void TearDown() override {
    if (controls_.predictor != nullptr && server_ != nullptr) controls_.predictor->Release();
  }

  v1::PredictStreamRequest Good(uint64_t id) const {
    v1::PredictStreamRequest request;
    request.set_id(id);
    *request.mutable_request() = GoodPredict();
    return request;
  }

  // Holds the only predict thread with the request `id`, so that what is sent later waits in the queue.
  void SendAndHold(PredictStreamClient& stream, uint64_t id) {
    controls_.predictor->Hold();
    stream.Send(Good(id));
    controls_.predictor->WaitUntilHeld(1);
  }

  void WaitForMetric(const std::string& line) {
    while (MetricsText().find(line + "\n") == std::string::npos) std::this_thread::yield();
  }
};

TEST_F(FakePredictStreamTest, AnIdThatIsNotAnsweredYetIsRefusedAndTheFirstGoesOn) {
  PredictStreamClient stream(*prediction_);
  SendAndHold(stream, 1);
  stream.Send(Good(1));
  stream.Send(Good(1));
  for (int refused = 0; refused < 2; ++refused) {
    const std::map<uint64_t, v1::PredictStreamResponse> answer = stream.Read(1);
    EXPECT_EQ(answer.at(1).error().code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(answer.at(1).error().message(), HasSubstr("id: got 1, which another request"));
  }
  controls_.predictor->Release();
  EXPECT_TRUE(stream.Read(1).at(1).has_response());
  stream.Send(Good(1));
  EXPECT_TRUE(stream.Read(1).at(1).has_response());
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_predict_total{code=\"INVALID_ARGUMENT\",scene=\"shop\"} 2\n"));
}

TEST_F(FakePredictStreamTest, BeyondTheLimitItReadsNoFurtherUntilAnswersAreTaken) {
  PredictStreamClient stream(*prediction_);
  SendAndHold(stream, 0);
  for (uint64_t id = 1; id < 30; ++id) stream.Send(Good(id));
  // One is being scored, and 7 wait; the other 22 are not even read. 3 rows each.
  WaitForMetric("polyscene_queue_rows 21");
  v1::PredictResponse response;
  std::thread another([&] { EXPECT_TRUE(Predict(GoodPredict(), &response).ok()); });
  WaitForMetric("polyscene_queue_rows 24");  // Whoever came later than the 22 is there.
  controls_.predictor->Release();
  another.join();
  EXPECT_THAT(stream.Read(30), SizeIs(30));
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(FakePredictStreamTest, AClientThatReadsNothingHoldsUpNobodyElse) {
  PredictStreamClient idle(*prediction_);
  std::thread sender([&] {
    for (uint64_t id = 0; id < 2000; ++id) idle.Send(Good(id));
    idle.HalfClose();
  });
  PredictStreamClient busy(*prediction_);
  for (uint64_t id = 0; id < 200; ++id) {
    busy.Send(Good(id));
    EXPECT_TRUE(busy.Read(1).at(id).has_response());
  }
  EXPECT_TRUE(busy.Finish().ok());
  EXPECT_THAT(idle.Read(2000), SizeIs(2000));
  EXPECT_TRUE(idle.End().ok());
  sender.join();
}

TEST_F(FakePredictStreamTest, ARequestBeyondItsTimeoutIsNotScored) {
  PredictStreamClient stream(*prediction_);
  SendAndHold(stream, 1);
  v1::PredictStreamRequest hasty = Good(2);
  hasty.set_timeout_milliseconds(1);
  stream.Send(hasty);
  stream.Send(Good(3));
  WaitForMetric("polyscene_queue_rows 6");
  std::this_thread::sleep_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(2));  // Now it is late.
  controls_.predictor->Release();
  const std::map<uint64_t, v1::PredictStreamResponse> answers = stream.Read(3);
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_TRUE(answers.at(1).has_response());
  EXPECT_EQ(answers.at(2).error().code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(answers.at(3).has_response());
  int64_t rows = 0;
  for (const auto& batch : controls_.predictor->batches()) {
    for (const int64_t of_request : batch) rows += of_request;
  }
  EXPECT_EQ(rows, 6);
}

TEST_F(FakePredictStreamTest, AnAnswerThatComesAfterItsTimeoutIsDeadlineExceeded) {
  controls_.predictor->Hold();
  PredictStreamClient stream(*prediction_);
  v1::PredictStreamRequest request = Good(1);
  request.set_timeout_milliseconds(500);
  stream.Send(request);
  controls_.predictor->WaitUntilHeld(1);
  std::this_thread::sleep_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(500));
  controls_.predictor->Release();
  const v1::PredictStreamResponse answer = stream.Read(1).at(1);
  EXPECT_EQ(answer.error().code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(answer.error().message(), HasSubstr("while it was scored"));
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(FakePredictStreamTest, AFullQueueRefusesEachRequestByItself) {
  StopServer();
  settings().config.set_max_queue_rows(3);
  StartServer();
  PredictStreamClient stream(*prediction_);
  SendAndHold(stream, 1);
  stream.Send(Good(2));
  stream.Send(Good(3));
  const std::map<uint64_t, v1::PredictStreamResponse> refused = stream.Read(1);
  EXPECT_EQ(refused.begin()->second.error().code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_GE(refused.begin()->second.error().retry_after_milliseconds(), 1);
  controls_.predictor->Release();
  EXPECT_THAT(stream.Read(2), SizeIs(2));
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(FakePredictStreamTest, AFailingForwardIsToldToEachRequest) {
  controls_.predictor->FailWith(absl::InternalError("forward: out of order"));
  PredictStreamClient stream(*prediction_);
  stream.Send(Good(1));
  EXPECT_EQ(stream.Read(1).at(1).error().code(), grpc::StatusCode::INTERNAL);
  controls_.predictor->FailWith(absl::OkStatus());
  stream.Send(Good(2));
  EXPECT_TRUE(stream.Read(1).at(2).has_response());
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(FakePredictStreamTest, AStopAnswersWhatWasReadThenEndsTheStreamUnavailable) {
  PredictStreamClient stream(*prediction_);
  SendAndHold(stream, 1);
  for (uint64_t id = 2; id <= 4; ++id) stream.Send(Good(id));
  WaitForMetric("polyscene_queue_rows 9");
  std::thread stopper([this] { server_->Stop(); });
  while (HttpGet("/healthz") == "serving\n") std::this_thread::yield();
  controls_.predictor->Release();
  const std::map<uint64_t, v1::PredictStreamResponse> answers = stream.Read(4);
  for (uint64_t id = 1; id <= 4; ++id) EXPECT_TRUE(answers.at(id).has_response()) << id;
  const grpc::Status status = stream.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("stopping"));
  stopper.join();
}

TEST_F(FakePredictStreamTest, AStopEndsIdleStreamsAtOnce) {
  settings().config.set_stop_grace_seconds(3600);  // Would fail the test by its time.
  StopServer();
  StartServer();
  PredictStreamClient stream(*prediction_);
  stream.Send(Good(1));
  EXPECT_TRUE(stream.Read(1).at(1).has_response());
  server_->Stop();
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(FakePredictStreamTest, ACancelledStreamLeavesNothingBehind) {
  {
    PredictStreamClient stream(*prediction_);
    SendAndHold(stream, 1);
    for (uint64_t id = 2; id <= 20; ++id) stream.Send(Good(id));
    WaitForMetric("polyscene_queue_rows 21");
    stream.Cancel();
    EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::CANCELLED);
  }
  controls_.predictor->Release();
  v1::PredictResponse response;
  EXPECT_TRUE(Predict(GoodPredict(), &response).ok());
  StopServer();
}

TEST_F(FakePredictStreamTest, TheServersStopEndsAStreamWhoseClientDoesNotRead) {
  settings().config.set_stop_grace_seconds(0.2);
  settings().config.set_max_stream_requests(2000);
  StopServer();
  StartServer();
  PredictStreamClient stream(*prediction_);
  v1::PredictStreamRequest large = Good(0);
  for (int i = 3; i < 100; ++i) large.mutable_request()->mutable_candidates(0)->add_ints(i);
  large.mutable_request()->mutable_candidates()->DeleteSubrange(1, 2);
  std::thread sender([&] {
    for (uint64_t id = 0; id < 2000; ++id) {
      large.set_id(id);
      if (!stream.Send(large)) break;
    }
  });
  while (GetStatus().traffic(0).requests() < 100) std::this_thread::yield();
  server_->Stop();  // Returns, though the answers are never taken.
  v1::PredictStreamResponse response;
  while (stream.ReadOne(&response)) {
  }
  sender.join();
}

}  // namespace
}  // namespace polyscene
