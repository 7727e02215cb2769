// Data directories that earlier releases left: this one must open each and go on as if it had written it.
//
// A release adds its own with  POLYSCENE_WRITE_RELEASE_DATA=tests/integration/release_data/VERSION  in the environment.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/text_format.h"
#include "tests/integration/server_fixture.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

constexpr char kWrite[] = "POLYSCENE_WRITE_RELEASE_DATA";
constexpr int kLearned = 14;  // Events of a directory's log, those of a label that came later among them.

std::string Contents(const fs::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What a directory holds:  model.textproto, data (without the files that a server makes anew), and expected.textproto,
// the answer to GoodPredict() once everything logged is learned.
class ReleaseDataTest : public ServerFixture {
 protected:
  void UseModel(const std::string& text) {
    auto spec = ModelSpec::Parse(text, "model.textproto");
    ASSERT_TRUE(spec.ok()) << spec.status();
    settings().model = *spec;
  }

  void Save() {
    v1::SaveCheckpointResponse saved;
    ASSERT_TRUE(model_->SaveCheckpoint(Context().get(), {}, &saved).ok());
  }

  // Rows of `items` for the request that GoodPredict() makes, remembered under `id`.
  void Remember(const std::string& id) {
    v1::PredictRequest request = GoodPredict();
    request.set_request_id(id);
    request.set_remember(true);
    request.set_wait_until_remembered(true);
    v1::PredictResponse response;
    const grpc::Status status = Predict(request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  v1::StreamEventsResponse SendLabels(uint64_t sequence, const std::string& text) {
    EventStreamClient stream(*training_);
    stream.Open("labels");
    auto request = Parse<v1::StreamEventsRequest>(text);
    request.mutable_labels()->set_sequence(sequence);
    stream.Send(request);
    v1::StreamEventsResponse response = stream.Acknowledgement();
    EXPECT_TRUE(stream.Finish().ok());
    return response;
  }

  void ReadUntilLearned(uint64_t events) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (GetStatus().events_learned() < events && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
    ASSERT_EQ(GetStatus().events_learned(), events);
    Save();  // Published before it is written.
  }

  v1::PredictResponse Answer() {
    v1::PredictResponse response;
    const grpc::Status status = Predict(GoodPredict(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  // Starts a server on a copy of `from` and learns what it holds.
  void Open(const fs::path& from) {
    settings().data_dir = (directory_.path() / absl::StrCat("copy", copies_++)).string();
    fs::copy(from, settings().data_dir, fs::copy_options::recursive);
    StartServer();
    ReadUntilLearned(kLearned);
  }

  void Write(const fs::path& to);
  void Check(const fs::path& release);

  int copies_ = 0;
};

// A full checkpoint, one upon it, events that neither covers, remembered requests with and without a label.
void ReleaseDataTest::Write(const fs::path& to) {
  // Windows that are open for decades.
  UseModel(absl::StrReplaceAll(
      TinyModelText(), {{"tasks { name: \"click\"", "tasks { attribution_window_seconds: 9e8 name: \"click\""},
                        {"tasks { name: \"spend\"", "tasks { attribution_window_seconds: 9e8 name: \"spend\""}}));
  fs::create_directories(to);
  std::ofstream(to / "model.textproto") << settings().model->text();
  StartServer();
  Learn("p", {GoodBatch(1, {1, 2, 3, 4, 5, 6})});
  Save();
  Learn("p", {GoodBatch(2, {7, 8})});
  Remember("answered");
  Remember("open");
  EXPECT_EQ(SendLabels(1, R"(labels { request_ids: "answered" request: 0 row: 0 labels { task: "click" values: 1 } })")
                .accepted_rows(),
            1);
  ReadUntilLearned(9);
  StopServer();  // When it is opened again, the log moves what it has into tables; what follows stays in its
                 // write-ahead log.
  StartServer();
  v1::PauseLearningResponse paused;
  ASSERT_TRUE(model_->PauseLearning(Context().get(), {}, &paused).ok());
  EventStreamClient stream(*training_);
  stream.Open("p");
  stream.Send(GoodBatch(3, {9, 10, 11, 12, 13}));
  EXPECT_EQ(stream.Acknowledgement().accepted_rows(), 5);
  EXPECT_TRUE(stream.Finish().ok());
  StopServer();
  fs::copy(settings().data_dir, to / "data", fs::copy_options::recursive);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(to / "data")) {
    if (entry.path().filename().string().rfind("LOG", 0) == 0) fs::remove(entry.path());
  }
  Open(to / "data");
  std::string expected;
  ASSERT_TRUE(google::protobuf::TextFormat::PrintToString(Answer(), &expected));
  std::ofstream(to / "expected.textproto") << expected;
}

void ReleaseDataTest::Check(const fs::path& release) {
  UseModel(Contents(release / "model.textproto"));
  Open(release / "data");
  v1::PredictResponse expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(Contents(release / "expected.textproto"), &expected));
  const v1::PredictResponse answer = Answer();
  ASSERT_EQ(answer.scores_size(), expected.scores_size());
  for (int task = 0; task < answer.scores_size(); ++task) {
    EXPECT_EQ(answer.scores(task).task(), expected.scores(task).task());
    ASSERT_EQ(answer.scores(task).values_size(), expected.scores(task).values_size());
    for (int row = 0; row < answer.scores(task).values_size(); ++row) {
      // Other processors round otherwise.
      EXPECT_NEAR(answer.scores(task).values(row), expected.scores(task).values(row), 1e-4);
    }
  }
  EXPECT_EQ(WatermarkOf("p").logged(), 3u);
  EXPECT_EQ(WatermarkOf("labels").logged(), 1u);
  EXPECT_EQ(GetStatus().joiner().remembered_requests(), 2);

  // A batch that it has is known; labels find the requests that it remembered.
  Learn("p", {GoodBatch(3, {9, 10, 11, 12, 13})});
  EXPECT_EQ(SendLabels(2, R"(labels { request_ids: "open" request: 0 row: 2 labels { task: "spend" values: 3 } })")
                .accepted_rows(),
            1);
  ReadUntilLearned(kLearned + 1);
  StopServer();
  StartServer();
  EXPECT_EQ(GetStatus().events_learned(), kLearned + 1u);
}

TEST_F(ReleaseDataTest, EveryReleasesDirectoryIsOpenedAndLearnedOn) {
  int releases = 0;
  if (const char* write = std::getenv(kWrite)) {
    Write(write);
    StopServer();
  }
  for (const fs::directory_entry& release : fs::directory_iterator(POLYSCENE_RELEASE_DATA)) {
    SCOPED_TRACE(release.path().filename().string());
    Check(release.path());
    StopServer();
    ++releases;
  }
  EXPECT_GT(releases, 0);
}

}  // namespace
}  // namespace polyscene
