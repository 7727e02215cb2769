#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "client/cli/best_figures.h"
#include "client/cli/commands.h"
#include "client/status/status_json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/report/figure_table.h"
#include "nlohmann/json.hpp"

namespace polyscene::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

v1::EvaluationFigure Learned(const char* scene, const char* task, const char* metric, double value) {
  v1::EvaluationFigure figure;
  figure.set_scene(scene);
  figure.set_task(task);
  figure.set_metric(metric);
  figure.set_value(value);
  figure.set_rows(100);
  return figure;
}

TEST(WithBestFiguresTest, PutsTheBestBesideTheLearned) {
  google::protobuf::RepeatedPtrField<v1::EvaluationFigure> learned;
  *learned.Add() = Learned("search", "click", "auc", 0.7);
  *learned.Add() = Learned("search", "click", "log_loss", 0.4);
  *learned.Add() = Learned("search", "other", "auc", 0.6);
  const std::vector<EvaluationFigure> best = {{"search", "click", "best_auc", 0.8, 100},
                                              {"search", "unlearned", "best_auc", 0.9, 100}};

  const auto both = WithBestFigures(learned, best);

  ASSERT_EQ(both.size(), 4);
  EXPECT_EQ(both[0].metric(), "auc");
  EXPECT_EQ(both[1].metric(), "best_auc");
  EXPECT_EQ(both[1].value(), 0.8);
  EXPECT_EQ(both[1].rows(), 100u);
  EXPECT_EQ(both[2].metric(), "log_loss");
  EXPECT_EQ(both[3].task(), "other");
  EXPECT_THAT(FigureTable(FiguresOf(both)), MatchesRegex("scene +task +rows +auc +best_auc +log_loss(.|\n)*"));
}

// Null where the evaluation does not have it.
nlohmann::json Figure(const nlohmann::json& json, const std::string& scene, const std::string& task) {
  for (const nlohmann::json& figure : json["evaluation"]) {
    if (figure["scene"] == scene && figure["task"] == task) return figure;
  }
  ADD_FAILURE() << "no figure of " << scene << "/" << task;
  return {{"metric", ""}, {"value", -1}, {"rows", -1}};
}

// Runs `polyscene simulate` with the given words.
class SimulateCommandTest : public ::testing::Test {
 protected:
  void TearDown() override { std::remove(path_.c_str()); }

  int Run(std::vector<std::string> words) {
    CLI::App app;
    Work work;
    AddSimulateCommand(app, flags_, [&work](Work chosen) { work = std::move(chosen); });
    words.insert(words.begin(), "simulate");
    std::reverse(words.begin(), words.end());  // As CLI11 takes them.
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    int status = kUsedWrongly;
    try {
      app.parse(words);
      status = work();
    } catch (const CLI::ParseError& error) {
      std::cerr << error.what();
    }
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return status;
  }

  std::vector<std::string> Lines() const {
    std::ifstream file(path_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  const std::string path_ = ::testing::TempDir() + "/simulate_command_test.csv";
  CommonFlags flags_;
  std::string out_;
  std::string error_;
};

TEST_F(SimulateCommandTest, WritesAHeaderAndTheRowsAskedFor) {
  EXPECT_EQ(Run({"--rows", "500", "--out", path_}), kDone);
  EXPECT_EQ(Lines().size(), 501u);
  EXPECT_THAT(Lines()[0], StartsWith("event_time,scene,request_id,user_id,"));
  EXPECT_THAT(out_, HasSubstr("500 rows written"));
  EXPECT_THAT(out_, HasSubstr("best_auc"));
}

TEST_F(SimulateCommandTest, JsonIsOneObjectWithTheBestReachableFigures) {
  flags_.json = true;
  EXPECT_EQ(Run({"--rows", "5000", "--out", path_}), kDone);
  const auto json = nlohmann::json::parse(out_);
  EXPECT_EQ(json["rows"], 5000);
  const nlohmann::json click = Figure(json, "*", "click");
  EXPECT_EQ(click["metric"], "best_auc");
  EXPECT_GT(click["value"], 0.7);
  EXPECT_GT(click["rows"], 2000);  // The second half of the days.
  EXPECT_LT(click["rows"], 2500);  // Without the behaviour scene, where nothing is clicked.
}

TEST_F(SimulateCommandTest, EvaluatesFromTheDayAskedFor) {
  flags_.json = true;
  EXPECT_EQ(Run({"--rows", "5000", "--evaluate_from_day", "0", "--out", path_}), kDone);
  EXPECT_GT(Figure(nlohmann::json::parse(out_), "*", "click")["rows"], 4000);
}

TEST_F(SimulateCommandTest, ARequestHasCandidatesAndNoLabels) {
  EXPECT_EQ(Run({"--requests", "1", "--candidates", "7", "--out", path_}), kDone);
  EXPECT_EQ(Lines().size(), 1u + 7);
  EXPECT_THAT(Lines()[0], ::testing::Not(HasSubstr(",click,")));
  EXPECT_THAT(out_, HasSubstr("7 candidates: polyscene predict " + path_ + " --scene recommendation"));
}

TEST_F(SimulateCommandTest, SeveralRequestsAreAFileEach) {
  flags_.json = true;
  EXPECT_EQ(Run({"--requests", "2", "--out", path_}), kDone);
  const auto requests = nlohmann::json::parse(out_)["requests"];
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_THAT(requests[0]["file"], EndsWith("simulate_command_test-1.csv"));
  EXPECT_EQ(requests[0]["scene"], "recommendation");
  EXPECT_EQ(requests[1]["scene"], "search");
  EXPECT_EQ(requests[1]["rows"], 20);
  for (const auto& request : requests) {
    const std::string file = request["file"];
    EXPECT_TRUE(std::ifstream(file)) << file;
    std::remove(file.c_str());
  }
}

TEST_F(SimulateCommandTest, TellsWhatIsWrongWithItsFlags) {
  EXPECT_EQ(Run({}), kUsedWrongly);
  EXPECT_THAT(error_, HasSubstr("expected --stream, --out FILE, --stores FILE or --classic DIR"));
  EXPECT_EQ(Run({"--stream", "--out", path_}), kUsedWrongly);
  EXPECT_EQ(Run({"--classic", path_, "--out", path_}), kUsedWrongly);
  EXPECT_EQ(Run({"--classic", path_, "--rows", "4"}), kUsedWrongly);
  EXPECT_EQ(Run({"--stream", "--requests", "3"}), kUsedWrongly);
  EXPECT_EQ(Run({"--stream", "--truth"}), kUsedWrongly);
  EXPECT_EQ(Run({"--rows", "0", "--out", path_}), kUsedWrongly);
  EXPECT_THAT(error_, HasSubstr("--rows"));
  EXPECT_EQ(Run({"--days", "x", "--out", path_}), kUsedWrongly);
}

TEST_F(SimulateCommandTest, APathThatCannotBeWrittenFailsWithItsName) {
  EXPECT_EQ(Run({"--rows", "10", "--out", "/no/such/folder/events.csv"}), kFailed);
  EXPECT_THAT(error_, HasSubstr("/no/such/folder/events.csv"));
}

TEST_F(SimulateCommandTest, AFullDiskFails) {
  if (!std::ofstream("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  EXPECT_EQ(Run({"--rows", "20000", "--out", "/dev/full"}), kFailed);
  EXPECT_THAT(error_, HasSubstr("No space left"));
}

}  // namespace
}  // namespace polyscene::cli
