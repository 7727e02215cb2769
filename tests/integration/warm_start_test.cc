// --warm_start: a server that begins with another one's checkpoint.
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/server_fixture.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class WarmStartTest : public ServerFixture {
 protected:
  // A server has learned five rows and saved them; then settings() are those of another, empty data directory.
  void SetUp() override {
    StartServer();
    Learn("p", {GoodBatch(1, {1, 2, 3, 4, 5})});
    v1::SaveCheckpointResponse saved;
    ASSERT_TRUE(model_->SaveCheckpoint(Context().get(), {}, &saved).ok());
    checkpoint_ = (directory_.path() / "checkpoint").string();
    fs::copy(saved.directory(), checkpoint_, fs::copy_options::recursive);
    step_ = GetStatus().step();
    scores_ = Scores();
    StopServer();
    settings().data_dir = (directory_.path() / "warm").string();
  }

  void WarmStart() {
    settings().warm_start = checkpoint_;
    StartServer();
    settings().warm_start.clear();
  }

  // Without the version, which the fake predictor adds a thousand times.
  std::vector<float> Scores() {
    v1::PredictResponse response;
    const grpc::Status status = Predict(GoodPredict(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    const float version = controls_.predictor != nullptr ? 1000 * static_cast<float>(response.model().version()) : 0.0F;
    std::vector<float> scores;
    for (const v1::TaskScores& task : response.scores()) {
      for (const float value : task.values()) scores.push_back(value - version);
    }
    return scores;
  }

  static void ExpectNear(const std::vector<float>& a, const std::vector<float>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5) << i;
  }

  void ExpectRefused(absl::StatusCode code, const std::vector<std::string>& parts) {
    const absl::Status status = TryStart();
    EXPECT_EQ(status.code(), code) << status;
    for (const std::string& part : parts) EXPECT_THAT(std::string(status.message()), HasSubstr(part));
  }

  std::string checkpoint_;
  uint64_t step_ = 0;
  std::vector<float> scores_;
};

TEST_F(WarmStartTest, ServesWhatTheCheckpointLearned) {
  WarmStart();
  ExpectNear(Scores(), scores_);
  const v1::GetStatusResponse status = GetStatus();
  EXPECT_EQ(status.model().rows_learned(), 5);
  EXPECT_EQ(status.step(), step_);
  EXPECT_EQ(status.events_accepted(), 0);
  EXPECT_EQ(status.log_end_offset(), 0);
  EXPECT_EQ(status.learned_offset(), 0);
}

TEST_F(WarmStartTest, GoesOnLearningFromThere) {
  WarmStart();
  const uint64_t version = server_->version();
  Learn("q", {GoodBatch(1, {6, 7, 8})});
  v1::GetStatusResponse status = GetStatus();
  EXPECT_EQ(status.model().rows_learned(), 8);
  EXPECT_EQ(status.learned_offset(), 3);
  EXPECT_GT(status.model().version(), version);

  const std::vector<float> scores = Scores();
  const uint64_t last_version = status.model().version();
  StopServer();
  StartServer();
  ExpectNear(Scores(), scores);
  status = GetStatus();
  EXPECT_EQ(status.model().rows_learned(), 8);
  EXPECT_GT(status.model().version(), last_version);
}

TEST_F(WarmStartTest, WhatWasWarmStartedGoesOnWithoutTheFlag) {
  WarmStart();
  StopServer();
  StartServer();
  ExpectNear(Scores(), scores_);
}

// Between listening and serving is the earliest moment at which somebody could have been promised anything.
TEST_F(WarmStartTest, ACrashRightAfterTheStartLosesNothing) {
  settings().warm_start = checkpoint_;
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(settings_, MakeTestModel(settings_, controls_));
  ASSERT_TRUE(server.ok()) << server.status();
  const fs::path survived = directory_.path() / "survived";
  fs::copy(settings().data_dir, survived, fs::copy_options::recursive);
  server->reset();
  settings().warm_start.clear();
  settings().data_dir = survived.string();
  StartServer();
  ExpectNear(Scores(), scores_);
  EXPECT_EQ(GetStatus().model().rows_learned(), 5);
}

TEST_F(WarmStartTest, IsRefusedWhereThereIsACheckpointAlready) {
  WarmStart();
  StopServer();
  settings().warm_start = checkpoint_;
  ExpectRefused(absl::StatusCode::kFailedPrecondition,
                {"warm_start", settings().data_dir, "has a state of its own", "leave out --warm_start"});
  settings().warm_start.clear();
  StartServer();
  ExpectNear(Scores(), scores_);
}

TEST_F(WarmStartTest, IsRefusedWhereEventsAreLogged) {
  StartServer();
  Learn("q", {GoodBatch(1, {6, 7, 8})});
  StopServer();
  fs::remove_all(fs::path(settings().data_dir) / "checkpoints");
  settings().warm_start = checkpoint_;
  ExpectRefused(absl::StatusCode::kFailedPrecondition, {settings().data_dir, "3 events logged", "empty --data_dir"});
}

TEST_F(WarmStartTest, IsTakenWhereAServerRanButNothingCame) {
  StartServer();
  const uint64_t version = server_->version();
  StopServer();
  WarmStart();
  ExpectNear(Scores(), scores_);
  EXPECT_GT(server_->version(), version);
}

TEST_F(WarmStartTest, ADirectoryThatIsNotThereIsNamedAndNothingIsLeftBehind) {
  settings().warm_start = checkpoint_ + "_elsewhere";
  ExpectRefused(absl::StatusCode::kNotFound, {"warm_start: there is no directory " + checkpoint_ + "_elsewhere"});
  EXPECT_FALSE(fs::exists(settings().data_dir));
}

TEST_F(WarmStartTest, ADamagedCheckpointIsNamedAndNothingIsLeftBehind) {
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoint_)) {
    fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
  }
  settings().warm_start = checkpoint_;
  ExpectRefused(absl::StatusCode::kDataLoss, {"warm_start: ", checkpoint_});
  EXPECT_FALSE(fs::exists(settings().data_dir));
}

TEST_F(WarmStartTest, AnotherModelOrHashKeyIsNamedWithBothSidesAndNothingIsLeftBehind) {
  if (controls_.predictor != nullptr) GTEST_SKIP() << "the fake learner's checkpoints know neither model nor key";
  settings().warm_start = checkpoint_;
  const std::shared_ptr<const ModelSpec> model = settings().model;
  settings().model = AnotherTinyModel();
  ExpectRefused(absl::StatusCode::kFailedPrecondition,
                {"warm_start: ", checkpoint_, model->fingerprint_hex(), settings().model->fingerprint_hex()});
  settings().model = model;
  settings().hash_key = HashKey(std::array<uint8_t, 16>{1, 2, 3});
  ExpectRefused(absl::StatusCode::kFailedPrecondition, {"warm_start: ", "hash key", checkpoint_});
  settings().hash_key = HashKey();
  WarmStart();  // In the very directory.
  ExpectNear(Scores(), scores_);
}

TEST_F(WarmStartTest, AFolderOfCheckpointsGetsAHint) {
  settings().warm_start = (directory_.path() / "data").string();
  ExpectRefused(absl::StatusCode::kDataLoss,
                {"did you mean " + settings().warm_start + "/checkpoints/00000000000000000005?"});
  settings().warm_start += "/checkpoints";
  ExpectRefused(absl::StatusCode::kDataLoss, {"did you mean " + settings().warm_start + "/00000000000000000005?"});
}

TEST_F(WarmStartTest, EvaluationsOfTheOldLifeStayThere) {
  settings().data_dir = (directory_.path() / "data").string();
  StartServer();
  EventStreamClient stream(*training_);
  v1::StreamEventsRequest open;
  open.mutable_open()->set_producer_id("p");
  open.mutable_open()->set_evaluate_from_micros(0);
  open.mutable_open()->set_wait_until_learned(true);
  stream.Send(open);
  stream.Send(GoodBatch(2, {6}));
  ASSERT_TRUE(stream.Finish().ok());
  EXPECT_GT(GetStatus("p").evaluation_size(), 0);
  v1::SaveCheckpointResponse saved;
  ASSERT_TRUE(model_->SaveCheckpoint(Context().get(), {}, &saved).ok());
  fs::remove_all(checkpoint_);
  fs::copy(saved.directory(), checkpoint_, fs::copy_options::recursive);
  StopServer();

  settings().data_dir = (directory_.path() / "warm").string();
  WarmStart();
  v1::GetStatusRequest request;
  request.set_evaluation_of("p");
  v1::GetStatusResponse response;
  EXPECT_EQ(model_->GetStatus(Context().get(), request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

// The events after it were learned on its weights: learning them on fresh ones would be another model, silently.
TEST_F(WarmStartTest, WithoutAnyCheckpointLeftItDoesNotBeginWithFreshWeights) {
  WarmStart();
  Learn("q", {GoodBatch(1, {6, 7, 8})});
  StopServer();
  fs::remove_all(fs::path(settings().data_dir) / "checkpoints");
  ExpectRefused(absl::StatusCode::kDataLoss, {settings().data_dir, "began with the checkpoint " + checkpoint_});
}

TEST_F(WarmStartTest, ABeginningCutShortIsBegunAgain) {
  WarmStart();
  StopServer();
  fs::remove_all(fs::path(settings().data_dir) / "checkpoints");  // As if it had crashed before it was saved.
  ExpectRefused(absl::StatusCode::kDataLoss, {"--warm_start"});
  WarmStart();
  ExpectNear(Scores(), scores_);
}

}  // namespace
}  // namespace polyscene
