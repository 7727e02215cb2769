// A server that is restarted with another model file.
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/integration/server_fixture.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class RestartWithAnotherModelTest : public ServerFixture {
 protected:
  // A server of the tiny model has learned six rows.
  void SetUp() override {
    StartServer();
    Learn("p", {GoodBatch(1, {1, 2, 3, 4, 5, 6})});
    scores_ = Scores();
    StopServer();
  }

  void Change(const std::vector<std::pair<std::string, std::string>>& replacements) {
    std::string text = TinyModelText();
    for (const auto& [from, to] : replacements) {
      ASSERT_THAT(text, HasSubstr(from));
      text = absl::StrReplaceAll(text, {{from, to}});
    }
    auto spec = ModelSpec::Parse(text, "changed.textproto");
    ASSERT_TRUE(spec.ok()) << spec.status();
    settings().model = *spec;
  }

  std::vector<float> Scores() {
    v1::PredictResponse response;
    const grpc::Status status = Predict(GoodPredict(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<float> scores;
    for (const v1::TaskScores& task : response.scores()) {
      scores.insert(scores.end(), task.values().begin(), task.values().end());
    }
    return scores;
  }

  void ExpectLearned(uint64_t rows) { EXPECT_EQ(GetStatus().events_learned(), rows); }

  // What no checkpoint covers is learned anew from the log.
  void ForgetCheckpoints() { fs::remove_all(fs::path(settings().data_dir) / "checkpoints"); }

  std::vector<float> scores_;
};

TEST_F(RestartWithAnotherModelTest, ANewFeatureLeavesTheAnswersAsTheyWereAndIsLearnedFromThenOn) {
  // Of the other scene, whose rows alone have it: this one's inputs stay what they were.
  Change({{"features { name: \"item\"",
           "features { name: \"age\" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }\n"
           "features { name: \"item\""},
          {"features: \"visits\"", "features: \"visits\" features: \"age\""}});
  StartServer();
  ExpectLearned(6);
  const std::vector<float> scores = Scores();
  ASSERT_EQ(scores.size(), scores_.size());
  for (size_t i = 0; i < scores.size(); ++i) EXPECT_NEAR(scores[i], scores_[i], 1e-5);
  Learn("p", {GoodBatch(2, {7, 8})});
  ExpectLearned(8);
  StopServer();
  StartServer();  // From a checkpoint of its own.
  ExpectLearned(8);
}

TEST_F(RestartWithAnotherModelTest, ANewSceneAndTaskAnswerAtOnce) {
  Change({{"tasks { name: \"click\" binary {} }",
           "scenes { name: \"mail\" tasks: \"open\" features: \"user\" }\n"
           "tasks { name: \"open\" binary {} }\ntasks { name: \"click\" binary {} }"}});
  StartServer();
  ExpectLearned(6);
  v1::PredictRequest request;
  request.set_scene("mail");
  v1::Column* user = request.add_context();
  user->set_name("user");
  user->add_strings("user1");
  v1::PredictResponse response;
  const grpc::Status status = Predict(request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  const std::vector<float> scores = Scores();
  for (size_t i = 0; i < scores.size(); ++i) EXPECT_NEAR(scores[i], scores_[i], 1e-5);
}

TEST_F(RestartWithAnotherModelTest, ARemovedFeatureIsDropped) {
  Change({{"features { name: \"price\" side: CANDIDATE type: FLOAT encode { numeric {} } }\n", ""},
          {" features: \"price\"", ""}});
  StartServer();
  ExpectLearned(6);
  Learn("p", {GoodBatch(2, {7, 8})});
  ExpectLearned(8);
}

TEST_F(RestartWithAnotherModelTest, AChangedDimensionIsRefusedWithTheReasonAndTheWayOut) {
  const std::shared_ptr<const ModelSpec> model = settings().model;
  settings().model = AnotherTinyModel();
  const absl::Status status = TryStart();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  for (const char* part : {"embedding table 'item': its dimension was 4, is 8", "polyscene-train --from_log"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(part));
  }
  settings().model = model;
  StartServer();  // Nothing was changed.
  ExpectLearned(6);
}

TEST_F(RestartWithAnotherModelTest, WithoutACheckpointEvenAnIncompatibleModelLearnsTheOldRecords) {
  ForgetCheckpoints();
  settings().model = AnotherTinyModel();
  StartServer();
  Learn("p", {GoodBatch(2, {7, 8})});
  ExpectLearned(8);
}

TEST_F(RestartWithAnotherModelTest, OldColumnsOfAnotherTypeAndLabelsOutOfRangeCountAsMissing) {
  ForgetCheckpoints();
  Change({{"\"item\" side: CANDIDATE type: INT64", "\"item\" side: CANDIDATE type: STRING"},
          {"tasks: \"spend\"", "tasks: \"paid\""},
          {"task: \"spend\"", "task: \"paid\""},
          {"tasks { name: \"spend\" regression {} }", "tasks { name: \"paid\" regression {} }"}});
  StartServer();
  while (GetStatus().events_learned() < 6) absl::SleepFor(absl::Milliseconds(1));
  ExpectLearned(6);
}

TEST_F(RestartWithAnotherModelTest, RecordsOfASceneThatIsGoneArePassedOver) {
  ForgetCheckpoints();
  Change({{"name: \"shop\"", "name: \"store\""}});
  StartServer();
  v1::EventBatch batch = GoodBatch(2, {7, 8});
  batch.set_scene("store");
  Learn("p", {batch});
  ExpectLearned(2);
  EXPECT_EQ(GetStatus().learned_offset(), 8u);
}

}  // namespace
}  // namespace polyscene
