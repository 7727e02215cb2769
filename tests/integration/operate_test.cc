// What an operator does with a running server: watch it, pause and resume its learning.
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/server_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;

class OperateTest : public ServerFixture {
 protected:
  void SetUp() override { StartServer(); }

  uint64_t Pause() {
    v1::PauseLearningResponse response;
    const grpc::Status status = model_->PauseLearning(Context().get(), {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.learned_offset();
  }
  uint64_t Resume() {
    v1::ResumeLearningResponse response;
    const grpc::Status status = model_->ResumeLearning(Context().get(), {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.learned_offset();
  }

  // Sends a batch and returns when it is logged.
  void LogOnly(const std::string& producer, const v1::EventBatch& batch) {
    EventStreamClient stream(*training_);
    stream.Open(producer);
    stream.Send(batch);
    EXPECT_TRUE(stream.Finish().ok());
  }
};

TEST_F(OperateTest, WhilePausedEventsAreLoggedAndNotLearnedAndPredictAnswers) {
  Learn("p", {GoodBatch(1, {1, 2, 3})});
  EXPECT_EQ(Pause(), 3);
  LogOnly("p", GoodBatch(2, {4, 5, 6, 7, 8, 9}));
  const v1::GetStatusResponse status = GetStatus();
  EXPECT_TRUE(status.learning_paused());
  EXPECT_EQ(status.trainer_error(), "");
  EXPECT_EQ(status.log_end_offset(), 9);
  EXPECT_EQ(status.learned_offset(), 3);
  EXPECT_EQ(status.served_offset(), 3);
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_learning_paused 1\n"));
  EXPECT_THAT(HttpGet("/"), HasSubstr("paused"));
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(GoodPredict(), &response).ok());
  EXPECT_EQ(response.model().rows_learned(), 3);
}

TEST_F(OperateTest, ResumedItCatchesUpAndWhoWaitedIsTold) {
  Pause();
  EventStreamClient waiting(*training_);
  waiting.Open("p", /*wait_until_learned=*/true);
  waiting.Send(GoodBatch(1, {1, 2, 3, 4, 5}));
  EXPECT_EQ(waiting.Acknowledgement().watermark().learned(), 0);
  EXPECT_EQ(Resume(), 0);
  EXPECT_TRUE(waiting.Finish().ok());
  const v1::GetStatusResponse status = GetStatus();
  EXPECT_FALSE(status.learning_paused());
  EXPECT_EQ(status.served_offset(), 5);
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_learning_paused 0\n"));
}

TEST_F(OperateTest, PausingAndResumingTwiceIsFine) {
  EXPECT_EQ(Resume(), 0);
  EXPECT_EQ(Pause(), 0);
  EXPECT_EQ(Pause(), 0);
  Resume();
  Resume();
  Learn("p", {GoodBatch(1, {1})});
}

TEST_F(OperateTest, ACheckpointIsWrittenWhilePaused) {
  Learn("p", {GoodBatch(1, {1, 2, 3})});
  Pause();
  LogOnly("p", GoodBatch(2, {4, 5}));
  v1::SaveCheckpointResponse saved;
  const grpc::Status status = model_->SaveCheckpoint(Context().get(), {}, &saved);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(saved.learned_offset(), 3);
  EXPECT_TRUE(GetStatus().learning_paused());
}

TEST_F(OperateTest, APauseEndsWithTheProcessAndWhatWaitedIsLearned) {
  Pause();
  LogOnly("p", GoodBatch(1, {1, 2, 3}));
  StopServer();
  StartServer();
  EXPECT_FALSE(GetStatus().learning_paused());
  Learn("p", {GoodBatch(2, {4})});
  EXPECT_EQ(GetStatus().events_learned(), 4);
}

TEST_F(OperateTest, BeforeTheTrainerIsThereAPauseIsUnavailable) {
  StopServer();
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(settings_, MakeTestModel(settings_, controls_));
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  Connect();
  v1::PauseLearningResponse paused;
  EXPECT_EQ(model_->PauseLearning(Context().get(), {}, &paused).error_code(), grpc::StatusCode::UNAVAILABLE);
  v1::ResumeLearningResponse resumed;
  EXPECT_EQ(model_->ResumeLearning(Context().get(), {}, &resumed).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_FALSE(GetStatus().learning_paused());
}

TEST_F(OperateTest, PausesAndResumesFromManySidesEndInTheLastOne) {
  std::vector<std::thread> operators;
  for (int i = 0; i < 4; ++i) {
    operators.emplace_back([this] {
      for (int turn = 0; turn < 20; ++turn) {
        Pause();
        Resume();
      }
    });
  }
  for (std::thread& thread : operators) thread.join();
  EXPECT_FALSE(GetStatus().learning_paused());
  Learn("p", {GoodBatch(1, {1, 2, 3})});
}

TEST_F(OperateTest, TheStatusTellsTheTrafficOfEachScene) {
  Learn("p", {GoodBatch(1, {1, 2, 3})});
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(GoodPredict(), &response).ok());
  v1::PredictRequest bad = GoodPredict();
  bad.add_tasks("no such task");
  ASSERT_FALSE(Predict(bad, &response).ok());
  v1::EventBatch unknown = GoodBatch(2, {1, 2});
  unknown.set_scene("no such scene");
  LogOnly("p", unknown);

  const v1::GetStatusResponse status = GetStatus();
  ASSERT_EQ(status.traffic_size(), 2);
  EXPECT_EQ(status.traffic(0).scene(), "shop");
  EXPECT_EQ(status.traffic(0).requests(), 2);
  EXPECT_EQ(status.traffic(0).errors(), 1);
  EXPECT_EQ(status.traffic(0).rows(), 3);
  const v1::Histogram& seconds = status.traffic(0).predict_seconds();
  ASSERT_EQ(seconds.counts_size(), seconds.upper_bounds_size() + 1);
  uint64_t requests = 0;
  for (const uint64_t count : seconds.counts()) requests += count;
  EXPECT_EQ(requests, 2);
  EXPECT_GT(seconds.sum(), 0);
  EXPECT_EQ(status.traffic(1).scene(), "churn");
  EXPECT_EQ(status.traffic(1).requests(), 0);
  EXPECT_EQ(status.queue_rows(), 0);
  EXPECT_EQ(status.events_rejected(), 2);
  uint64_t fresh = 0;
  for (const uint64_t count : status.freshness_seconds().counts()) fresh += count;
  EXPECT_EQ(fresh, 3);
}

class WatchTest : public OperateTest {
 protected:
  void Watch(double interval_seconds, const std::string& evaluation_of = "") {
    v1::WatchStatusRequest request;
    request.set_interval_seconds(interval_seconds);
    request.set_evaluation_of(evaluation_of);
    context_ = Context();
    watch_ = model_->WatchStatus(context_.get(), request);
  }
  v1::GetStatusResponse Next() {
    v1::GetStatusResponse status;
    EXPECT_TRUE(watch_->Read(&status)) << "the watch ended";
    return status;
  }
  grpc::Status End() {
    v1::GetStatusResponse status;
    while (watch_->Read(&status)) {
    }
    return watch_->Finish();
  }

  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::GetStatusResponse>> watch_;
};

TEST_F(WatchTest, TellsTheStatusAgainAndAgainUntilCancelled) {
  Watch(0.1);
  EXPECT_EQ(Next().events_accepted(), 0);
  Learn("p", {GoodBatch(1, {1, 2, 3})});
  while (Next().events_learned() < 3) {
  }
  double uptime = 0;
  for (int i = 0; i < 3; ++i) {
    const v1::GetStatusResponse status = Next();
    EXPECT_GT(status.uptime_seconds(), uptime);
    EXPECT_EQ(status.fingerprint(), settings().model->fingerprint_hex());
    uptime = status.uptime_seconds();
  }
  context_->TryCancel();
  EXPECT_EQ(End().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(WatchTest, WithoutAnIntervalItIsASecond) {
  Watch(0);
  EXPECT_TRUE(Next().serving());
  EXPECT_TRUE(Next().serving());
}

TEST_F(WatchTest, AnIntervalOutOfRangeIsRefused) {
  for (const double interval :
       {-1.0, 0.05, 3601.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Watch(interval);
    const grpc::Status status = End();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << interval;
    EXPECT_THAT(status.error_message(), HasSubstr("expected 0.1 to 3600")) << interval;
  }
}

TEST_F(WatchTest, AnEvaluationThatIsNotThereIsNotFound) {
  Watch(0.1, "nobody");
  EXPECT_EQ(End().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(WatchTest, AStopEndsItUnavailable) {
  Watch(3600);
  EXPECT_TRUE(Next().serving());
  server_->Stop();
  const grpc::Status status = End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("stopping"));
}

TEST_F(WatchTest, ManyWatchersComeAndGo) {
  for (int round = 0; round < 5; ++round) {
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::unique_ptr<grpc::ClientReader<v1::GetStatusResponse>>> watches;
    for (int i = 0; i < 30; ++i) {
      contexts.push_back(Context());
      v1::WatchStatusRequest request;
      request.set_interval_seconds(0.1);
      watches.push_back(model_->WatchStatus(contexts.back().get(), request));
    }
    v1::GetStatusResponse status;
    for (int answers = 0; answers < 2; ++answers) {
      for (const auto& watch : watches) EXPECT_TRUE(watch->Read(&status));
    }
    for (const auto& context : contexts) context->TryCancel();
    for (const auto& watch : watches) EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

}  // namespace
}  // namespace polyscene
