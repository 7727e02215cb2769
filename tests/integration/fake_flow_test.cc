// What can only be seen with a model that a test holds by the hand.
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/server_fixture.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class FakeFlowTest : public ServerFixture {
 protected:
  void SetUp() override { StartServer(); }
  void TearDown() override {
    controls_.learner.ReleaseSteps();
    if (controls_.predictor != nullptr && server_ != nullptr) controls_.predictor->Release();
  }
};

TEST_F(FakeFlowTest, EachRowGetsItsOwnScore) {
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(GoodPredict(), &response).ok());
  const auto base = static_cast<float>(1000 * server_->version());
  EXPECT_THAT(response.scores(0).values(), ElementsAre(base + 11, base + 22, base + 30));  // item + price, + 0
  EXPECT_THAT(response.scores(1).values(), ElementsAre(base + 12, base + 23, base + 31));  // item + price, + 1
  EXPECT_THAT(response.ranking(), ElementsAre(base + 11, base + 22, base + 30));
}

TEST_F(FakeFlowTest, AnAcknowledgementNeverWaitsForTheTrainer) {
  controls_.learner.HoldSteps();
  EventStreamClient stream(*training_);
  stream.Open("p");
  for (uint64_t sequence = 1; sequence <= 40; ++sequence) {
    stream.Send(GoodBatch(sequence, {1, 2}));
    const v1::StreamEventsResponse response = stream.Acknowledgement();
    EXPECT_EQ(response.watermark().logged(), sequence);
    EXPECT_EQ(response.watermark().learned(), 0);
  }
  controls_.learner.ReleaseSteps();
  stream.ReadUntilServed(40);
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(FakeFlowTest, PredictNeverWaitsForTheTrainer) {
  controls_.learner.HoldSteps();
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(GoodBatch(1, {1, 2, 3, 4}));
  controls_.learner.WaitUntilHeld();
  v1::PredictResponse response;
  EXPECT_TRUE(Predict(GoodPredict(), &response).ok());
  controls_.learner.ReleaseSteps();
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(FakeFlowTest, EveryAcceptedRowIsLearnedOnceAndInOrder) {
  Learn("p", {GoodBatch(1, {1, 2, 3}), GoodBatch(2, {4, 5}), GoodBatch(3, {6, 7, 8, 9})});
  StopServer();
  StartServer();
  Learn("p", {GoodBatch(3, {6, 7, 8, 9}), GoodBatch(4, {10})});
  std::vector<int64_t> learned;
  for (const std::vector<int64_t>& step : controls_.learner.steps()) {
    learned.insert(learned.end(), step.begin(), step.end());
  }
  EXPECT_THAT(learned, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

// With a restart, for the target may change with one: to the least, which a request that is held for another call
// misses.
TEST_F(FakeFlowTest, TheTrainerGivesWayToSlowRequestsAndLearnsOn) {
  StopServer();
  settings().model =
      *ModelSpec::Parse(absl::StrCat(TinyModelText(), "serving { latency_target_seconds: 0.0001 }"), "tiny.textproto");
  StartServer();
  uint64_t sequence = 0;
  while (GetStatus().trainer_share() == 1) {
    controls_.predictor->Hold();
    std::thread caller([this] {
      v1::PredictResponse response;
      EXPECT_TRUE(Predict(GoodPredict(), &response).ok());
    });
    controls_.predictor->WaitUntilHeld(1);
    GetStatus();
    controls_.predictor->Release();
    caller.join();
    Learn("p", {GoodBatch(++sequence, {1, 2, 3, 4})});
  }
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_predict_target_seconds 0.0001\n"));
  Learn("p", {GoodBatch(sequence + 1, {5, 6, 7, 8})});
  EXPECT_EQ(controls_.learner.steps().back(), std::vector<int64_t>({5, 6, 7, 8}));
}

TEST_F(FakeFlowTest, TheStatusNamesTheTasksThatAgreeLeast) {
  EXPECT_FALSE(GetStatus().has_worst_tasks());
  Learn("p", {GoodBatch(1, {1, 2, 3})});
  const v1::GetStatusResponse status = GetStatus();
  EXPECT_EQ(status.worst_tasks().first(), "click");
  EXPECT_EQ(status.worst_tasks().second(), "spend");
  EXPECT_EQ(status.worst_tasks().cosine(), -0.5);
  EXPECT_FALSE(status.has_worst_scenes());
}

TEST_F(FakeFlowTest, TheStatusTellsTheFadingEvaluation) {
  Learn("p", {GoodBatch(1, {1, 2, 3})});
  const v1::GetStatusResponse status = GetStatus();
  ASSERT_EQ(status.fading_evaluation_size(), 1);
  EXPECT_EQ(status.fading_evaluation(0).scene(), "shop");
  EXPECT_EQ(status.fading_evaluation(0).metric(), "log_loss");
  EXPECT_EQ(status.fading_evaluation(0).value(), 0.25);
  EXPECT_EQ(status.fading_evaluation(0).rows(), 3);
}

TEST_F(FakeFlowTest, TheStatusTellsOfDrift) {
  Learn("p", {GoodBatch(1, {1, 2, 3})});
  const v1::GetStatusResponse before = GetStatus();
  ASSERT_EQ(before.drift_size(), 1);
  EXPECT_EQ(before.drift(0).scene(), "shop");
  EXPECT_EQ(before.drift(0).task(), "click");
  EXPECT_EQ(before.drift(0).level(), 0.25);
  EXPECT_EQ(before.drift(0).alarms(), 0);

  testing::internal::CaptureStderr();
  Learn("p", {GoodBatch(2, std::vector<int64_t>(100, 4))});
  const std::string log = testing::internal::GetCapturedStderr();
  const v1::GetStatusResponse after = GetStatus();
  EXPECT_EQ(after.drift(0).alarms(), 1);
  EXPECT_EQ(after.drift(0).last_alarm_event_micros(), 103);
  EXPECT_THAT(log, HasSubstr("drift: the loss of task 'click' in scene 'shop' has risen; alarm 1"));
}

TEST_F(FakeFlowTest, OpeningTheSameEvaluationAgainLogsNothing) {
  const auto open = [this](int64_t from_micros) {
    EventStreamClient stream(*training_);
    v1::StreamEventsRequest request;
    request.mutable_open()->set_producer_id("p");
    request.mutable_open()->set_evaluate_from_micros(from_micros);
    request.mutable_open()->set_wait_until_learned(true);
    stream.Send(request);
    EXPECT_TRUE(stream.Finish().ok());
  };
  open(5);
  open(5);
  open(9);
  Learn("q", {GoodBatch(1, {1})});
  EXPECT_THAT(controls_.learner.openings(), ElementsAre(Pair("p", 5), Pair("p", 9)));
  EXPECT_EQ(GetStatus().log_end_offset(), 3);
}

// The learner lets go of evaluations opened long ago: the intake must not take one of those for open.
TEST_F(FakeFlowTest, AnEvaluationOpenedLongAgoIsLoggedAgain) {
  const auto open = [this](const std::string& producer) {
    EventStreamClient stream(*training_);
    v1::StreamEventsRequest request;
    request.mutable_open()->set_producer_id(producer);
    request.mutable_open()->set_evaluate_from_micros(5);
    stream.Send(request);
    EXPECT_TRUE(stream.Finish().ok());
  };
  open("p");
  for (int other = 0; other < 64; ++other) open("other" + std::to_string(other));
  open("p");
  EXPECT_EQ(GetStatus().log_end_offset(), 66);
}

TEST_F(FakeFlowTest, AStreamThatWaitsForATrainerThatStandsStillIsToldWhy) {
  controls_.learner.FailSteps(absl::InternalError("the loss is not finite"));
  EventStreamClient stream(*training_);
  stream.Open("p", /*wait_until_learned=*/true);
  stream.Send(GoodBatch(1, {1}));
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), HasSubstr("the loss is not finite"));
  EXPECT_THAT(GetStatus().trainer_error(), HasSubstr("the loss is not finite"));

  // Serving and logging go on without it.
  v1::PredictResponse response;
  EXPECT_TRUE(Predict(GoodPredict(), &response).ok());
  EventStreamClient another(*training_);
  another.Open("q");
  another.Send(GoodBatch(1, {2}));
  EXPECT_EQ(another.Acknowledgement().accepted_rows(), 1);
  EXPECT_TRUE(another.Finish().ok());
}

TEST_F(FakeFlowTest, AFullQueueAsksForARetry) {
  StopServer();
  settings().config.set_predict_threads(1);
  settings().config.set_max_queue_rows(3);
  StartServer();
  controls_.predictor->Hold();
  std::vector<std::thread> callers;
  const auto call = [this] {
    v1::PredictResponse response;
    EXPECT_TRUE(Predict(GoodPredict(), &response).ok());
  };
  callers.emplace_back(call);
  controls_.predictor->WaitUntilHeld(1);
  callers.emplace_back(call);
  while (MetricsText().find("polyscene_queue_rows 3\n") == std::string::npos) std::this_thread::yield();

  grpc::ClientContext context;
  v1::PredictResponse response;
  const grpc::Status status = prediction_->Predict(&context, GoodPredict(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("3 rows wait, the limit is 3"));
  EXPECT_THAT(status.error_message(), HasSubstr("retry in 100 ms"));  // Nothing was measured yet.
  const auto& trailing = context.GetServerTrailingMetadata();
  const auto pushback = trailing.find("grpc-retry-pushback-ms");
  ASSERT_NE(pushback, trailing.end());
  EXPECT_EQ(std::string(pushback->second.data(), pushback->second.size()), "100");
  controls_.predictor->Release();
  for (std::thread& caller : callers) caller.join();
}

TEST_F(FakeFlowTest, WhatWaitedBeyondItsDeadlineIsNotScored) {
  StopServer();
  settings().config.set_predict_threads(1);
  StartServer();
  controls_.predictor->Hold();
  std::thread occupant([this] {
    v1::PredictResponse response;
    EXPECT_TRUE(Predict(GoodPredict(), &response).ok());
  });
  controls_.predictor->WaitUntilHeld(1);
  grpc::ClientContext context;
  const auto deadline = std::chrono::system_clock::now() + std::chrono::milliseconds(200);
  context.set_deadline(deadline);
  v1::PredictResponse response;
  EXPECT_EQ(prediction_->Predict(&context, GoodPredict(), &response).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  // The wire carries a timeout, so the server's own deadline is later by the time the call took to arrive.
  std::this_thread::sleep_until(deadline + std::chrono::milliseconds(500));
  controls_.predictor->Release();
  occupant.join();
  const std::string late = "polyscene_predict_total{code=\"DEADLINE_EXCEEDED\",scene=\"shop\"} 1\n";
  while (MetricsText().find(late) == std::string::npos) std::this_thread::yield();
  EXPECT_EQ(controls_.predictor->batches().size(), 1);
}

TEST_F(FakeFlowTest, VersionsOnlyGrowWhileEventsAreLearned) {
  std::atomic<bool> done{false};
  std::thread caller([this, &done] {
    uint64_t version = 0;
    while (!done) {
      v1::PredictResponse response;
      const grpc::Status status = Predict(GoodPredict(), &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
      ASSERT_GE(response.model().version(), version);
      version = response.model().version();
    }
  });
  std::vector<v1::EventBatch> batches;
  for (uint64_t sequence = 1; sequence <= 100; ++sequence) batches.push_back(GoodBatch(sequence, {1, 2, 3, 4}));
  Learn("p", batches);
  done = true;
  caller.join();
  EXPECT_EQ(GetStatus().events_learned(), 400);
}

TEST_F(FakeFlowTest, AClientThatReadsNothingIsNotFloodedAndOthersGoOn) {
  EventStreamClient idle(*training_);
  idle.Open("idle");
  std::vector<v1::EventBatch> batches;
  for (uint64_t sequence = 1; sequence <= 300; ++sequence) batches.push_back(GoodBatch(sequence, {1}));
  Learn("busy", batches);
  // The watermark of "idle" never changed, so one answer is all it got.
  EXPECT_TRUE(idle.Finish().ok());
  EXPECT_EQ(idle.rest().size(), 1);
}

TEST_F(FakeFlowTest, BatchesBeyondThePendingLimitWaitAndAllArrive) {
  StopServer();
  settings().config.set_log_max_pending_bytes(1);
  StartServer();
  std::vector<std::thread> producers;
  for (int producer = 0; producer < 4; ++producer) {
    producers.emplace_back([this, producer] {
      std::vector<v1::EventBatch> batches;
      for (uint64_t sequence = 1; sequence <= 50; ++sequence) batches.push_back(GoodBatch(sequence, {1, 2}));
      Learn("p" + std::to_string(producer), batches);
    });
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(GetStatus().events_learned(), 400);
}

}  // namespace
}  // namespace polyscene
