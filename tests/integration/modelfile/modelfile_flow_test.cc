// `polyscene model init` on a CSV file, the server that its answer starts, and what is learned, unedited.
#include <fstream>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/integration/marketplace/programs.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// Shoppers click on some colours more than on others, each most on a favourite; written as a shop would, names with
// spaces and all.
std::string ShopCsv(int rows) {
  std::mt19937 random(7);
  const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  static const char* const colours[] = {"red", "green", "blue", "sand"};
  std::string csv = "Event Time,scene,Request ID,customer id,Item No.,item colour,Price (EUR),clicked,y_spend\n";
  int shopper = 0;
  for (int row = 0; row < rows; ++row) {
    if (row % 4 == 0) shopper = below(60);
    const int colour = below(4);
    const bool clicked = below(100) < 5 + 25 * colour + (colour == shopper % 4 ? 15 : 0);
    const int price = 5 + below(40);
    absl::StrAppend(&csv, "2024-03-01T", 10 + row / 3600 % 10, ":", 10 + row / 60 % 50, ":", 10 + row % 50, ",",
                    row / 4 % 2 ? "search" : "home", ",r", row / 4, ",c", shopper, ",");
    absl::StrAppend(&csv, colour * 100 + below(20), ",", colours[colour], ",", price, ".5,", clicked ? 1 : 0, ",",
                    clicked ? absl::StrCat(price * (1 + below(3))) : "", "\n");
  }
  return csv;
}

class ModelFileFlowTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return (directory_.path() / name).string(); }

  ProgramResult Polyscene(std::vector<std::string> words) {
    words.insert(words.begin(), POLYSCENE_PROGRAM);
    return RunProgram(words);
  }

  TempDirectory directory_;
};

double Figure(const json& figures, const std::string& task, const std::string& metric) {
  for (const json& figure : figures) {
    if (figure["scene"] == "*" && figure["task"] == task && figure["metric"] == metric) return figure["value"];
  }
  ADD_FAILURE() << "no " << metric << " of " << task << " in " << figures;
  return 0;
}

TEST_F(ModelFileFlowTest, AProposalStartsAServerAndLearnsWithoutAnEdit) {
  std::ofstream(Path("shop.csv")) << ShopCsv(12'000);
  const ProgramResult init = Polyscene({"model", "init", Path("shop.csv"), "--out", Path("shop.textproto")});
  ASSERT_EQ(init.exit_status, 0) << init.error;
  EXPECT_EQ(init.out, "") << "the model file went elsewhere";
  EXPECT_THAT(init.error, HasSubstr("What I could not know"));

  const ProgramResult check =
      Polyscene({"model", "check", Path("shop.textproto"), "--data", Path("shop.csv"), "--json"});
  ASSERT_EQ(check.exit_status, 0) << check.error;
  const json checked = json::parse(check.out);
  EXPECT_EQ(checked["data"]["rows_refused"], 0);
  EXPECT_EQ(checked["data"]["rows_read"], 12'000);
  EXPECT_EQ(checked["scenes"].size(), 2u);

  BackgroundProgram server({POLYSCENE_SERVER_PROGRAM, "--model", Path("shop.textproto"), "--data_dir", Path("data"),
                            "--listen", "127.0.0.1:0", "--metrics_listen", "127.0.0.1:0"});
  const std::string address = server.WaitForLine("listening on ");
  ASSERT_NE(address, "");
  server.WaitForLine("serving version ");
  const ProgramResult streamed =
      Polyscene({"stream", Path("shop.csv"), "--server", address, "--wait_for", "served", "--json"});
  ASSERT_EQ(streamed.exit_status, 0) << streamed.error;

  const ProgramResult status = Polyscene({"status", "--server", address, "--json"});
  ASSERT_EQ(status.exit_status, 0) << status.error;
  EXPECT_EQ(json::parse(status.out)["rows_learned"], 12'000) << status.out;
  // Whoever knows only how often each colour is clicked on reaches 0.81.
  EXPECT_GT(Figure(json::parse(streamed.out)["evaluation"], "clicked", "auc"), 0.7);
  EXPECT_GT(Figure(json::parse(streamed.out)["evaluation"], "y_spend", "r2"), 0.1) << "the price tells most of it";
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(ModelFileFlowTest, WhatIsThereIsNotOverwritten) {
  std::ofstream(Path("shop.csv")) << ShopCsv(100);
  std::ofstream(Path("shop.textproto")) << "mine";
  const ProgramResult init = Polyscene({"model", "init", Path("shop.csv"), "--out", Path("shop.textproto")});
  EXPECT_EQ(init.exit_status, 1);
  EXPECT_THAT(init.error, HasSubstr("is there already; --force replaces it"));
  std::string text;
  std::getline(std::ifstream(Path("shop.textproto")), text);
  EXPECT_EQ(text, "mine");
}

}  // namespace
}  // namespace polyscene
