// A clean stop, in the middle of everything.
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

class StopTest : public ServerFixture {
 protected:
  void SetUp() override { StartServer(); }
  void TearDown() override {
    controls_.learner.ReleaseSteps();
    if (controls_.predictor != nullptr && server_ != nullptr) controls_.predictor->Release();
  }
};

TEST_F(StopTest, ARequestInFlightIsAnswered) {
  controls_.predictor->Hold();
  grpc::Status status;
  std::thread caller([&] {
    v1::PredictResponse response;
    status = Predict(GoodPredict(), &response);
  });
  controls_.predictor->WaitUntilHeld(1);
  std::thread stop([this] { server_->Stop(); });
  while (GetStatus().serving()) std::this_thread::yield();
  controls_.predictor->Release();
  stop.join();
  caller.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(StopTest, WhoKeepsCallingIsAnsweredOrToldToRetry) {
  std::atomic<bool> ended{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> callers;
  std::vector<std::set<grpc::StatusCode>> codes(3);
  for (size_t caller = 0; caller < codes.size(); ++caller) {
    callers.emplace_back([this, &codes, &ended, &answered, caller] {
      while (!ended) {
        v1::PredictResponse response;
        const grpc::Status status = Predict(GoodPredict(), &response);
        codes[caller].insert(status.error_code());
        ++answered;
        if (!status.ok()) return;  // A client that is told so comes back later.
      }
    });
  }
  while (answered < 50) std::this_thread::yield();
  server_->Stop();
  ended = true;
  for (std::thread& caller : callers) caller.join();
  for (const std::set<grpc::StatusCode>& seen : codes) {
    for (const grpc::StatusCode code : seen) {
      EXPECT_TRUE(code == grpc::StatusCode::OK || code == grpc::StatusCode::UNAVAILABLE) << code;
    }
  }
}

TEST_F(StopTest, DeepInABacklogItEndsAfterTheStepAndLearnsTheRestWhenItIsBack) {
  controls_.learner.HoldSteps();
  EventStreamClient stream(*training_);
  stream.Open("p");
  for (uint64_t sequence = 1; sequence <= 50; ++sequence) stream.Send(GoodBatch(sequence, {1, 2, 3, 4}));
  for (uint64_t sequence = 1; sequence <= 50; ++sequence) stream.Acknowledgement();
  controls_.learner.WaitUntilHeld();
  std::thread stop([this] { server_->Stop(); });
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  controls_.learner.ReleaseSteps();
  stop.join();
  StopServer();
  StartServer();
  Learn("p", {GoodBatch(51, {5})});
  EXPECT_EQ(GetStatus().events_learned(), 201);
  std::vector<int64_t> learned;
  for (const std::vector<int64_t>& step : controls_.learner.steps()) {
    learned.insert(learned.end(), step.begin(), step.end());
  }
  EXPECT_EQ(learned.size(), 201);
}

TEST_F(StopTest, ALastCheckpointThatCannotBeWrittenIsTold) {
  Learn("p", {GoodBatch(1, {1, 2})});
  controls_.learner.FailCheckpoints(absl::ResourceExhaustedError("no space for it"));
  server_->Stop();
  EXPECT_EQ(server_->saved().code(), absl::StatusCode::kResourceExhausted) << server_->saved();
  controls_.learner.FailCheckpoints(absl::OkStatus());
  StopServer();
  StartServer();
  Learn("p", {GoodBatch(2, {3})});
  server_->Stop();
  EXPECT_TRUE(server_->saved().ok()) << server_->saved();
}

TEST_F(StopTest, WhileTheLogIsFullItEndsAsEver) {
  StopServer();
  settings().config.set_disk_reserve_bytes(int64_t{1} << 60);  // No disk has so much.
  StartServer();
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(GoodBatch(1, {1}));
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  StopServer();
  settings().config.set_disk_reserve_bytes(1);
  StartServer();
  Learn("p", {GoodBatch(1, {1})});
}

}  // namespace
}  // namespace polyscene
