// polyscene-train --from_log: what a server logged, learned by another model file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "nlohmann/json.hpp"
#include "tests/integration/marketplace/programs.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kModel[] = R"(
name: "shop"
features { name: "user" side: CONTEXT type: STRING personal: true encode { hash { embedding { dimension: 4 } } } }
features { name: "tags" side: CONTEXT type: STRING sequence {} encode { hash { embedding { dimension: 4 } } } }
features { name: "price" side: CANDIDATE type: FLOAT required: true encode { numeric {} } }
scenes { name: "shop" tasks: ["click", "kind"] }
scenes { name: "search" tasks: ["click"] }
tasks { name: "click" binary {} }
tasks { name: "kind" multi_class { classes: 3 } }
network { shared_bottom { hidden: [8] } tower: [4] }
files { event_time_column: "time" }
)";

class FromLogTest : public testing::Test {
 protected:
  static constexpr int kRows = 400;

  void SetUp() override {
    model_ = Write("model.textproto", kModel);
    std::string text = "scene,time,user,tags,price,click,kind\n";
    for (int r = 0; r < kRows; ++r) {
      const int user = r * 7 % 11, price = r * 5 % 9, day = 1 + r / 20;
      absl::StrAppend(&text, r % 4 == 0 ? "search" : "shop", ",2024-01-", day < 10 ? "0" : "", day, ",",
                      user == 0 ? "" : absl::StrCat("u", user), ",", r % 2 == 0 ? "" : "a|b", ",", price, ",", user % 2,
                      ",", r % 4 == 0 ? "" : absl::StrCat(price % 3), "\n");
    }
    rows_ = Write("rows.csv", text);
    server_ = std::make_unique<BackgroundProgram>(
        std::vector<std::string>{POLYSCENE_SERVER_PROGRAM, "--model", model_, "--data_dir", Path("data"), "--listen",
                                 "127.0.0.1:0", "--metrics_listen", "127.0.0.1:0"});
    const std::string address = server_->WaitForLine("listening on ");
    server_->WaitForLine("serving version ");
    // As many rows are sorted by scene at once as the offline reader sorts: the log then has the offline order.
    const ProgramResult streamed =
        RunProgram({POLYSCENE_PROGRAM, "stream", rows_, "--server", address, "--window_rows", "1024"});
    ASSERT_EQ(streamed.exit_status, 0) << streamed.error;
  }

  std::string Path(const std::string& name) const { return (directory_.path() / name).string(); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }
  std::string Edited(const std::vector<std::pair<std::string, std::string>>& edits) const {
    std::string text = kModel;
    for (const auto& [from, to] : edits) text = absl::StrReplaceAll(text, {{from, to}});
    return Write("edited.textproto", text);
  }
  ProgramResult Train(std::vector<std::string> words) const {
    words.insert(words.begin(), POLYSCENE_TRAIN_PROGRAM);
    return RunProgram(words);
  }
  std::string Digest(const std::string& checkpoint) const {
    const ProgramResult result = Train({"--inspect", Path(checkpoint), "--json"});
    EXPECT_EQ(result.exit_status, 0) << result.error;
    const json inspected = json::parse(result.out);
    return (inspected.contains("checkpoints") ? inspected["checkpoints"][0] : inspected)["state_digest"];
  }

  TempDirectory directory_;
  std::string model_;
  std::string rows_;
  std::unique_ptr<BackgroundProgram> server_;
};

TEST_F(FromLogTest, TheLogOfAFileTrainsTheVeryModelThatTheFileTrains) {
  const std::vector<std::string> common = {"--model", model_, "--shuffle_buffer", "0", "--epochs", "2"};
  std::vector<std::string> file = common, log = common;
  file.insert(file.end(), {"--train", rows_, "--out", Path("of_file")});
  log.insert(log.end(), {"--from_log", Path("data"), "--out", Path("of_log")});  // Beside the live server.

  const ProgramResult of_file = Train(file);
  ASSERT_EQ(of_file.exit_status, 0) << of_file.error;
  const ProgramResult of_log = Train(log);
  ASSERT_EQ(of_log.exit_status, 0) << of_log.error;

  EXPECT_EQ(Digest("of_log"), Digest("of_file"));
}

TEST_F(FromLogTest, AnotherModelFileLearnsTheSameEventsAndAServerStartsWithIt) {
  const std::string edited = Edited({{"dimension: 4", "dimension: 6"},
                                     {"scenes { name: \"search\" tasks: [\"click\"] }", ""},
                                     {"tasks: [\"click\", \"kind\"]", "tasks: [\"click\", \"late\"]"},
                                     {"tasks { name: \"kind\" multi_class { classes: 3 } }",
                                      "tasks { name: \"late\" binary {} } features { name: \"colour\" side: CANDIDATE "
                                      "type: STRING encode { hash { embedding { dimension: 4 } } } }"}});
  const ProgramResult result = Train({"--model", edited, "--from_log", Path("data"), "--split", "2024-01-16", "--out",
                                      Path("ck"), "--epochs", "30", "--json"});
  ASSERT_EQ(result.exit_status, 0) << result.error;
  EXPECT_THAT(result.error, HasSubstr("has no label of task 'late'"));
  const json trained = json::parse(result.out);
  EXPECT_EQ(trained["train_rows"], kRows / 4 * 3 * 15 / 20);  // Of the scene that is left, before the split.
  double auc = 0;
  for (const json& figure : trained["evaluation"]) {
    if (figure["scene"] == "*" && figure["task"] == "click" && figure["metric"] == "auc") auc = figure["value"];
  }
  EXPECT_GT(auc, 0.9);  // The click follows the user, known by the id the log has of it.

  BackgroundProgram server({POLYSCENE_SERVER_PROGRAM, "--model", edited, "--data_dir", Path("new"), "--warm_start",
                            Path("ck"), "--listen", "127.0.0.1:0", "--metrics_listen", "127.0.0.1:0"});
  EXPECT_NE(server.WaitForLine("serving version "), "");
}

TEST_F(FromLogTest, WhatCannotBeReadIsNamed) {
  const auto failure = [this](std::vector<std::string> more, int exit_status) {
    std::vector<std::string> words = {"--out", Path("ck"), "--model"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = Train(words);
    EXPECT_EQ(result.exit_status, exit_status) << result.error;
    EXPECT_FALSE(std::filesystem::exists(Path("ck")));
    return result.error;
  };
  EXPECT_THAT(failure({model_, "--from_log", Path("none")}, 1), HasSubstr("there is no event log in "));
  EXPECT_THAT(failure({model_, "--from_log", Path("data"), "--train", rows_}, 2), HasSubstr("expected one of them"));
  EXPECT_THAT(
      failure({model_, "--from_log", Path("data"), "--hash_key", Write("key", "000102030405060708090a0b0c0d0e0f\n")},
              1),
      HasSubstr("was written under the key with fingerprint"));
  const std::string needs_more = Edited({{"features { name: \"tags\" side: CONTEXT type: STRING sequence {}",
                                          "features { name: \"age\" side: CONTEXT type: STRING required: true"}});
  EXPECT_THAT(failure({needs_more, "--from_log", Path("data")}, 1), HasSubstr("feature 'age' is required and missing"));
}

}  // namespace
}  // namespace polyscene
