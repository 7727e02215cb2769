// Where `polyscene stream` takes events from: files, standard input, a pipe that is alive; and how it is interrupted.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/feed/file_identity.h"
#include "client/status/status_json.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "tests/unit/client/cli/run_command.h"
#include "tests/unit/client/lib/fake_training_service.h"

namespace polyscene::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class TimedModelService final : public v1::ModelService::Service {
 public:
  grpc::Status GetModel(grpc::ServerContext*, const v1::GetModelRequest*, v1::GetModelResponse* response) override {
    google::protobuf::TextFormat::ParseFromString(R"(
      name: "shop"
      features { name: "user" side: CONTEXT type: INT64 required: true }
      scenes { name: "search" tasks: "click" }
      scenes { name: "feed" tasks: "click" }
      tasks { name: "click" binary {} }
      files { event_time_column: "at" })",
                                                  response->mutable_model());
    return grpc::Status::OK;
  }
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::GetStatusResponse* response) override {
    response->set_serving(true);
    return grpc::Status::OK;
  }
};

// `polyscene` with standard input from a pipe that the test holds.
class LiveCommand {
 public:
  explicit LiveCommand(std::vector<std::string> words) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);  // Or the child would keep its own input open.
    out_ = TestPath("live_out");
    error_ = TestPath("live_error");
    process_ = fork();
    if (process_ == 0) {
      std::vector<char*> arguments{const_cast<char*>(POLYSCENE_PROGRAM)};
      for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
      arguments.push_back(nullptr);
      dup2(ends[0], STDIN_FILENO);
      if (freopen(out_.c_str(), "w", stdout) == nullptr || freopen(error_.c_str(), "w", stderr) == nullptr) _exit(99);
      execv(arguments[0], arguments.data());
      _exit(99);
    }
    close(ends[0]);
    input_ = ends[1];
  }
  ~LiveCommand() {
    Close();
    if (process_ > 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
  }
  void Write(const std::string& text) {
    EXPECT_EQ(write(input_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Close() {
    if (input_ >= 0) close(input_);
    input_ = -1;
  }
  void Signal(int number) { kill(process_, number); }
  int Wait() {  // The exit status, or minus the signal that ended it.
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  std::string out() const { return ReadFile(out_); }
  std::string error() const { return ReadFile(error_); }

 private:
  pid_t process_ = -1;
  int input_ = -1;
  std::string out_, error_;
};

class StreamSourcesTest : public ::testing::Test {
 protected:
  StreamSourcesTest() {
    training_.on_logged = [this](const v1::EventBatch& batch) {
      std::lock_guard<std::mutex> lock(mu_);
      for (const int64_t user : batch.columns(0).ints()) users_.push_back(absl::StrCat(batch.scene(), " ", user));
      changed_.notify_all();
    };
  }

  std::string Server() const { return absl::StrCat(" --server ", server_.address(), " "); }

  std::string File(const std::string& name, const std::string& content) {
    const std::string path = TestPath(name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  void WaitForRows(size_t rows) {
    std::unique_lock<std::mutex> lock(mu_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [&] { return users_.size() >= rows; }))
        << users_.size() << " rows came, expected " << rows;
  }

  TimedModelService model_;
  FakeTrainingService training_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<std::string> users_;  // "scene user" of each row that was logged.
  TestServer server_{{&model_, &training_}};
};

TEST_F(StreamSourcesTest, SeveralFilesAreSentInTheOrderOfTheirEventTimes) {
  const std::string a = File("a.csv", "scene,user,click,at\nsearch,1,0,100\nsearch,3,0,300\n");
  const std::string b = File("b.csv", "scene,user,click,at\nsearch,2,0,200\nsearch,4,0,400\n");

  const Ran ran = Polyscene(absl::StrCat("stream ", a, " ", b, Server()));

  EXPECT_EQ(ran.exit_status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("4 rows sent, 4 accepted"));
  EXPECT_THAT(users_, ElementsAre("search 1", "search 2", "search 3", "search 4"));
}

TEST_F(StreamSourcesTest, OneBadHeaderOfManySendsNothing) {
  const std::string good = File("a.csv", "scene,user,click,at\nsearch,1,0,100\n");
  const std::string bad = File("b.csv", "scene,usr,click,at\nsearch,1,0,100\n");

  const Ran ran = Polyscene(absl::StrCat("stream ", good, " ", bad, Server()));

  EXPECT_EQ(ran.exit_status, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("b.csv:1: "), HasSubstr("'user'")));
  EXPECT_THAT(training_.opened(), IsEmpty());
}

TEST_F(StreamSourcesTest, TheSceneOfAFileWithoutTheColumnIsGiven) {
  const std::string none = File("none.csv", "user,click,at\n1,0,100\n");
  const std::string own = File("own.csv", "scene,user,click,at\nsearch,2,0,200\n");

  EXPECT_EQ(Polyscene(absl::StrCat("stream ", none, Server())).exit_status, 1);
  const Ran useless = Polyscene(absl::StrCat("stream ", own, " --scene feed", Server()));
  EXPECT_EQ(useless.exit_status, 2);
  EXPECT_THAT(useless.err, HasSubstr("own.csv has the column 'scene'; expected a file without it"));
  const Ran unknown = Polyscene(absl::StrCat("stream ", none, " --scene fed", Server()));
  EXPECT_EQ(unknown.exit_status, 1);
  EXPECT_THAT(unknown.err, HasSubstr("scene 'fed' is not in the model, expected one of search, feed"));
  EXPECT_THAT(users_, IsEmpty());

  const Ran both = Polyscene(absl::StrCat("stream ", none, " ", own, " --scene feed", Server()));
  EXPECT_EQ(both.exit_status, 0) << both.err;
  EXPECT_THAT(both.err, HasSubstr("own.csv are of the scenes that they name"));
  EXPECT_THAT(users_, ElementsAre("feed 1", "search 2"));
}

TEST_F(StreamSourcesTest, AResumedSetOfFilesSendsOnlyWhatIsMissing) {
  const std::string a = File("a.csv", "scene,user,click,at\nsearch,1,0,100\nsearch,3,0,300\n");
  const std::string b = File("b.csv", "scene,user,click,at\nsearch,2,0,200\n");
  const std::string files = absl::StrCat(a, " ", b);
  training_.script = [](int, uint64_t sequence) {
    return sequence == 2 ? FakeTrainingService::Act::kDropUnlogged : FakeTrainingService::Act::kAccept;
  };
  training_.drop_status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "enough");
  EXPECT_EQ(Polyscene(absl::StrCat("stream ", files, Server(), "--producer p --batch_rows 1")).exit_status, 1);
  training_.script = [](int, uint64_t) { return FakeTrainingService::Act::kAccept; };

  const Ran rest = Polyscene(absl::StrCat("stream ", files, Server(), "--producer p --batch_rows 1 --json"));
  EXPECT_EQ(rest.exit_status, 0) << rest.err;
  EXPECT_EQ(Json::parse(rest.out)["rows_known"], 1);
  EXPECT_THAT(users_, ElementsAre("search 1", "search 2", "search 3"));

  // Other files, another order, another scene for some: another stream.
  const Ran reversed = Polyscene(absl::StrCat("stream ", b, " ", a, Server(), "--producer p --batch_rows 1 --json"));
  EXPECT_EQ(Json::parse(reversed.out)["rows_known"], 0);
}

TEST_F(StreamSourcesTest, StandardInputIsCsvOrJsonLines) {
  const std::string csv = File("a.csv", "scene,user,click,at\nsearch,1,0,100\n");
  const std::string json = File("a.jsonl",
                                "{\"scene\": \"search\", \"user\": 2, \"click\": true, \"at\": 100}\n"
                                "{\"user\": 3, \"at\": \"2008-04-01\"}\n");

  EXPECT_EQ(Polyscene(absl::StrCat("stream - --scene feed", Server(), "<", json)).exit_status, 0);
  EXPECT_EQ(Polyscene(absl::StrCat("stream -", Server()), absl::StrCat("gzip -c ", csv, " | ")).exit_status, 0);
  EXPECT_EQ(Polyscene(absl::StrCat("stream ", json, " --scene feed", Server())).exit_status, 0);

  EXPECT_THAT(users_, ElementsAre("search 2", "feed 3", "search 1", "search 2", "feed 3"));
}

TEST_F(StreamSourcesTest, KeysThatNoJsonRowHadAreTold) {
  const Ran ran = Polyscene(
      absl::StrCat("stream ", File("a.jsonl", "{\"scene\": \"feed\", \"user\": 1, \"clik\": 1}\n"), Server()));
  EXPECT_EQ(ran.exit_status, 0);
  EXPECT_THAT(ran.err, HasSubstr("a.jsonl has no key of task 'click'"));
}

TEST_F(StreamSourcesTest, WhatCannotBeDoneWithStandardInputIsSaid) {
  const Ran producer = Polyscene("stream - --producer p");
  EXPECT_EQ(producer.exit_status, 2);
  EXPECT_THAT(producer.err, AllOf(HasSubstr("--producer"), HasSubstr("standard input")));
  const Ran merged = Polyscene("stream a.csv -");
  EXPECT_EQ(merged.exit_status, 2);
  EXPECT_THAT(merged.err, HasSubstr("standard input is not merged"));
}

TEST_F(StreamSourcesTest, RowsOfALivePipeAreSentAsTheyCome) {
  LiveCommand live({"stream", "-", "--server", server_.address()});
  live.Write("{\"scene\": \"search\", \"user\": 1}\n");
  WaitForRows(1);
  live.Write("{\"scene\": \"search\", \"user\": 2}\n{\"scene\": \"sea");
  WaitForRows(2);
  live.Write("rch\", \"user\": 3}\n");
  WaitForRows(3);
  live.Close();
  EXPECT_EQ(live.Wait(), 0) << live.error();
  EXPECT_THAT(live.out(), HasSubstr("3 rows sent, 3 accepted"));
}

TEST_F(StreamSourcesTest, ASignalEndsALivePipeAfterWhatWasRead) {
  for (const int signal : {SIGINT, SIGTERM}) {
    users_.clear();
    LiveCommand live({"stream", "-", "--server", server_.address()});
    live.Write("scene,user,click,at\nsearch,1,0,100\nsearch,2,0,200\n");
    WaitForRows(2);
    live.Signal(signal);
    EXPECT_EQ(live.Wait(), 1);
    EXPECT_THAT(live.out(), HasSubstr("2 rows sent, 2 accepted"));
    EXPECT_THAT(live.error(), HasSubstr("interrupted: what was read is logged"));
  }
}

TEST_F(StreamSourcesTest, WhoWaitsForLearningAndIsInterruptedKeepsWhatIsLogged) {
  training_.SetLearns(false);
  const std::string file = File("a.csv", "scene,user,click,at\nsearch,1,0,100\n");
  LiveCommand live({"stream", file, "--server", server_.address()});
  WaitForRows(1);
  live.Signal(SIGINT);
  EXPECT_EQ(live.Wait(), 1);
  EXPECT_THAT(live.out(), HasSubstr("1 rows sent"));
  EXPECT_THAT(live.error(), HasSubstr("interrupted: "));
}

TEST_F(StreamSourcesTest, ASecondSignalEndsAtOnceAndLeavesNothingHalfWritten) {
  training_.script = [this](int, uint64_t) {
    std::lock_guard<std::mutex> lock(mu_);
    users_.push_back("came");
    changed_.notify_all();
    return FakeTrainingService::Act::kSilence;  // Never acknowledged: the first signal waits for it.
  };
  training_.on_logged = [](const v1::EventBatch&) {};
  const std::string rejected = TestPath("rejected.csv");
  LiveCommand live({"stream", "-", "--server", server_.address(), "--rejected", rejected});
  live.Write("scene,user,click,at\nsearch,x,0,100\nsearch,1,0,100\n");
  WaitForRows(1);
  EXPECT_TRUE(std::filesystem::exists(rejected + ".partial"));
  live.Signal(SIGINT);
  // Seen once its answer is.
  while (live.error().find("interrupted") == std::string::npos) std::this_thread::yield();
  live.Signal(SIGINT);
  EXPECT_EQ(live.Wait(), -SIGINT);
  EXPECT_FALSE(std::filesystem::exists(rejected + ".partial"));
  EXPECT_FALSE(std::filesystem::exists(rejected));
}

TEST_F(StreamSourcesTest, RefusedRowsAreKeptToBeMendedAndSentAgain) {
  training_.refuse = [](uint64_t, uint32_t row) { return row == 1; };
  const std::string rejected = TestPath("rejected.csv");
  std::filesystem::remove(rejected);
  const std::string file = File(
      "a.csv", "scene,user,click,at,note\nsearch,1,0,100,\nsearch,x,1,100,\"a, b\"\nsearch,2,1,200,ok\nsearch,3\n");

  const Ran ran = Polyscene(absl::StrCat("stream ", file, Server(), "--rejected ", rejected));

  EXPECT_EQ(ran.exit_status, 1);
  EXPECT_EQ(ReadFile(rejected),
            absl::StrCat(
                "rejected_file,rejected_line,rejected_reason,rejected_message,scene,user,click,at,note\n", file,
                ",3,wrong_type,\"column 'user': got 'x', expected a whole number (INT64)\",search,x,1,100,\"a, b\"\n",
                file, ",5,field_count,\"has 2 fields, expected 5 as the header has\",\"search,3\"\n", file,
                ",4,out_of_range,the script refuses it,search,2,1,200,ok\n"));
  EXPECT_FALSE(std::filesystem::exists(rejected + ".partial"));

  const Ran again = Polyscene(absl::StrCat("stream ", file, Server(), "--rejected ", rejected));
  EXPECT_EQ(again.exit_status, 1);
  EXPECT_THAT(again.err, HasSubstr("is there already"));

  // Mended by hand.
  training_.refuse = [](uint64_t, uint32_t) { return false; };
  users_.clear();
  std::string mended = ReadFile(rejected);
  mended.replace(mended.find("search,x,"), 9, "search,7,");
  mended.replace(mended.find("\"search,3\""), 10, "search,3,0,300,");
  const Ran sent = Polyscene(absl::StrCat("stream ", File("mended.csv", mended), Server()));
  EXPECT_EQ(sent.exit_status, 0) << sent.err;
  EXPECT_THAT(users_, ElementsAre("search 7", "search 3", "search 2"));
}

TEST_F(StreamSourcesTest, WithoutARefusedRowThereIsNoFileOfThem) {
  const std::string rejected = TestPath("rejected.csv");
  const std::string file = File("a.csv", "scene,user,click,at\nsearch,1,0,100\n");
  EXPECT_EQ(Polyscene(absl::StrCat("stream ", file, Server(), "--rejected ", rejected)).exit_status, 0);
  EXPECT_FALSE(std::filesystem::exists(rejected));
  EXPECT_FALSE(std::filesystem::exists(rejected + ".partial"));
  EXPECT_EQ(Polyscene(absl::StrCat("stream ", file, Server(), "--rejected /nonexistent/r.csv")).exit_status, 1);
}

TEST_F(StreamSourcesTest, MoreRefusedRowsThanAllowedIsAFailureAndNoMoreIsNone) {
  const std::string file = File("a.csv", "scene,user,click,at\nsearch,x,0,100\nsearch,1,0,100\nsearch,y,0,100\n");
  EXPECT_EQ(Polyscene(absl::StrCat("stream ", file, Server(), "--max_rejected 1")).exit_status, 1);
  EXPECT_EQ(Polyscene(absl::StrCat("stream ", file, Server(), "--max_rejected 2")).exit_status, 0);
}

TEST_F(StreamSourcesTest, FlagsOfAReplayAndOfAPlainStreamDoNotMix) {
  const std::string file = File("a.csv", "scene,user,click,at\nsearch,1,0,100\n");
  for (const char* flags : {"--speed 2", "--max_unserved 5", "--predict_time_column at", "--replay --producer p",
                            "--replay --rate 5", "--replay --window_rows 5"}) {
    EXPECT_EQ(Polyscene(absl::StrCat("stream ", file, Server(), flags)).exit_status, 2) << flags;
  }
  EXPECT_THAT(users_, IsEmpty());
}

TEST_F(StreamSourcesTest, WhoWaitsUntilServedIsToldHowFreshThatIs) {
  const std::string file = File("a.csv", "scene,user,click,at\nsearch,1,0,100\nfeed,2,0,100\n");
  const Ran ran = Polyscene(absl::StrCat("stream ", file, Server(), "--wait_for served --json"));
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  const Json served = Json::parse(ran.out);
  EXPECT_GE(served["freshness_p50_seconds"], 0);
  EXPECT_GE(served["freshness_p90_seconds"], served["freshness_p50_seconds"]);
  EXPECT_GE(served["freshness_p99_seconds"], served["freshness_p90_seconds"]);
  EXPECT_THAT(Polyscene(absl::StrCat("stream ", file, Server(), "--wait_for served")).out,
              HasSubstr("freshness (logged to served) of 2 batches"));
  EXPECT_FALSE(
      Json::parse(Polyscene(absl::StrCat("stream ", file, Server(), "--json")).out).contains("freshness_p50_seconds"));
}

TEST_F(StreamSourcesTest, ARateHoldsRowsBackUntilTheyAreDue) {
  const std::string file = File("a.csv", "scene,user,click,at\nfeed,1,0,1\nfeed,2,0,2\nfeed,3,0,3\nfeed,4,0,4\n");
  const Ran ran = Polyscene(absl::StrCat("stream ", file, Server(), "--batch_rows 1 --rate 20 --json"));
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  EXPECT_GE(Json::parse(ran.out)["seconds"], 0.15) << "the fourth is due three twentieths after the first";
}

TEST_F(StreamSourcesTest, AMessageAboutOneOfSeveralFilesNamesIt) {
  const std::string a = File("a.csv", "scene,user,click,at\nsearch,1,0,100\n");
  const std::string b = File("b.csv", "scene,user,click,at\nsearch,x,0,100\n");
  EXPECT_THAT(Polyscene(absl::StrCat("stream ", a, " ", b, Server())).err, HasSubstr("b.csv line 2: column 'user'"));
}

// jq from Debian as a source, if it is there: an array of any shape becomes lines of the model's keys.
TEST_F(StreamSourcesTest, JqIsASource) {
  if (std::system("command -v jq >/dev/null") != 0) GTEST_SKIP() << "jq is not installed";
  const std::string json = File("orders.json", R"({"orders": [
    {"customer": {"id": 5}, "clicked": true, "when": "2008-04-01T10:00:00Z"},
    {"customer": {"id": 6}, "clicked": null, "when": "2008-04-01T11:00:00Z"}]})");

  const Ran ran =
      Polyscene(absl::StrCat("stream - --scene feed", Server()),
                absl::StrCat("jq -c '.orders[] | {user: .customer.id, click: .clicked, at: .when}' ", json, " | "));

  EXPECT_EQ(ran.exit_status, 0) << ran.err;
  EXPECT_THAT(users_, ElementsAre("feed 5", "feed 6"));
}

TEST(FileIdentityTest, IsThatOfTheFilesInTheirOrderAndOfTheSettings) {
  const std::string a = TestPath("a"), b = TestPath("b");
  std::ofstream(a) << "one";
  std::ofstream(b) << "two";
  const std::string both = *FileIdentity({a, b}, "s");

  EXPECT_EQ(*FileIdentity({a, b}, "s"), both);
  EXPECT_NE(*FileIdentity({b, a}, "s"), both);
  EXPECT_NE(*FileIdentity({a}, "s"), both);
  EXPECT_NE(*FileIdentity({a, b}, "t"), both);
  std::ofstream(b) << "2wo";
  EXPECT_NE(*FileIdentity({a, b}, "s"), both);
  EXPECT_FALSE(FileIdentity({a, "/nonexistent"}, "s").ok());
}

}  // namespace
}  // namespace polyscene::cli
