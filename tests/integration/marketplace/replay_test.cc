// `polyscene stream --replay` against the real server: what it learned late, and what it says of its answers.
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/integration/marketplace/programs.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr int kRows = 2000;

// Events of the marketplace whose labels are known at the end of their day.
class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest() {
    const std::string plain = Path("plain.csv");
    EXPECT_EQ(RunProgram({POLYSCENE_PROGRAM, "simulate", "--rows", absl::StrCat(kRows), "--out", plain}).exit_status,
              0);
    std::ifstream in(plain);
    std::ofstream out(Path("events.csv"));
    std::string line;
    std::getline(in, line);
    out << "known," << line << "\n";
    while (std::getline(in, line)) out << line.substr(0, 10) << "," << line << "\n";  // The event's day comes first.

    std::stringstream model;
    model << std::ifstream(absl::StrCat(POLYSCENE_MODELS, "/marketplace.textproto")).rdbuf();
    const std::string text =
        absl::StrReplaceAll(model.str(), {{"event_time_column:", "label_time_column: \"known\" event_time_column:"},
                                          {"publish_interval_seconds: 1 ", "publish_interval_seconds: 0.05 "}});
    EXPECT_NE(text, model.str());
    std::ofstream(Path("model.textproto")) << text;
  }

  // fault: where the process is to end, "NAME@COUNT" of model/fault; empty: nowhere. Again: on the same address.
  void StartServer(const std::string& fault = "") {
    server_.reset();
    if (!fault.empty()) setenv("POLYSCENE_FAULT", fault.c_str(), 1);
    server_ = std::make_unique<BackgroundProgram>(std::vector<std::string>{
        POLYSCENE_SERVER_PROGRAM, "--model", Path("model.textproto"), "--data_dir", Path("data"), "--listen",
        address_.empty() ? "127.0.0.1:0" : address_, "--metrics_listen", "127.0.0.1:0"});
    unsetenv("POLYSCENE_FAULT");
    address_ = server_->WaitForLine("listening on ");
    server_->WaitForLine("serving version ");
  }

  std::string Path(const std::string& name) const { return (directory_.path() / name).string(); }

  json Polyscene(std::vector<std::string> words) {
    words.insert(words.begin(), {POLYSCENE_PROGRAM, "--server", address_, "--json"});
    const ProgramResult result = RunProgram(words);
    EXPECT_EQ(result.exit_status, 0) << result.error;
    return result.exit_status == 0 ? json::parse(result.out) : json();
  }

  TempDirectory directory_;
  std::unique_ptr<BackgroundProgram> server_;
  std::string address_;
};

TEST_F(ReplayTest, WhatTheServerSaysOfItsAnswersIsWhatTheCallerFinds) {
  StartServer();
  for (int run = 1; run <= 2; ++run) {  // The second run's requests do not meet the first's.
    const json replayed = Polyscene({"stream", "--replay", Path("events.csv")});
    EXPECT_EQ(replayed["rows_predicted"], kRows);
    EXPECT_LT(replayed["requests"], kRows / 2) << "candidates of one request are asked for together";
    EXPECT_EQ(replayed["rows_accepted"], kRows);
    EXPECT_EQ(replayed["rows_rejected"], 0);
    EXPECT_EQ(replayed["rows_not_remembered"], 0);
    EXPECT_EQ(replayed["labels_unsent"], 0);
    ASSERT_TRUE(replayed["served_difference"].is_number()) << "not of the same rows";
    EXPECT_LE(replayed["served_difference"], 1e-6);
    EXPECT_EQ(replayed["client_evaluation"].size(), replayed["served_evaluation"].size());
    EXPECT_EQ(replayed["client_evaluation"].size(), replayed["evaluation"].size());
    EXPECT_GT(replayed["client_evaluation"].size(), 20u);
    for (size_t f = 0; f < replayed["evaluation"].size(); ++f) {
      EXPECT_EQ(replayed["evaluation"][f]["rows"], replayed["client_evaluation"][f]["rows"]);
    }
    const json status = Polyscene({"status"});
    EXPECT_EQ(status["events_learned"], run * kRows) << "each row once";
    EXPECT_EQ(status["joiner"]["joined_rows"], run * kRows);
    EXPECT_EQ(status["joiner"]["waiting_labels"], 0);
  }
}

TEST_F(ReplayTest, PredictingAtAnotherTimeAndWithEveryKnownLabelServed) {
  StartServer();
  const json replayed = Polyscene({"stream", "--replay", Path("events.csv"), "--predict_time_column", "known",
                                   "--max_unserved", "0", "--limit", "500"});
  EXPECT_EQ(replayed["rows_predicted"], 500);
  EXPECT_EQ(replayed["rows_accepted"], 500);
  ASSERT_TRUE(replayed["served_difference"].is_number()) << "not of the same rows";
  EXPECT_LE(replayed["served_difference"], 1e-6);
}

TEST_F(ReplayTest, AServerThatIsKilledMeanwhileLosesAndDoublesNothing) {
  StartServer("step.learned@2");
  json replayed;
  std::thread replay([&] { replayed = Polyscene({"stream", "--replay", Path("events.csv")}); });
  for (const char* fault : {"journal.written@2", "publish.swapped@3", ""}) {
    EXPECT_EQ(server_->WaitForEnd(), -1) << "it was to be killed";
    StartServer(fault);
  }
  replay.join();
  EXPECT_EQ(replayed["rows_predicted"], kRows);
  EXPECT_EQ(replayed["rows_accepted"], kRows);
  EXPECT_GE(replayed["connections"], 2);
  ASSERT_TRUE(replayed["served_difference"].is_number()) << "not of the same rows";
  EXPECT_LE(replayed["served_difference"], 1e-6);
  EXPECT_EQ(Polyscene({"status"})["events_learned"], kRows);
}

}  // namespace
}  // namespace polyscene
