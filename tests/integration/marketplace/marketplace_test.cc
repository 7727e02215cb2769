// The simulated marketplace through the real programs: simulate, learn, rank.
#include <memory>
#include <string>
#include <vector>

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

class MarketplaceTest : public ::testing::Test {
 protected:
  void StartServer(const std::string& model) {
    server_ = std::make_unique<BackgroundProgram>(std::vector<std::string>{
        POLYSCENE_SERVER_PROGRAM, "--model", absl::StrCat(POLYSCENE_MODELS, "/", model, ".textproto"), "--data_dir",
        (directory_.path() / "data").string(), "--listen", "127.0.0.1:0", "--metrics_listen", "127.0.0.1:0"});
    address_ = server_->WaitForLine("listening on ");
    server_->WaitForLine("serving version ");
  }

  ProgramResult Polyscene(std::vector<std::string> words) {
    words.insert(words.begin(), {POLYSCENE_PROGRAM, "--server", address_, "--json"});
    return RunProgram(words);
  }

  static double Figure(const json& result, const std::string& scene, const std::string& task,
                       const std::string& metric) {
    for (const json& figure : result["evaluation"]) {
      if (figure["scene"] == scene && figure["task"] == task && figure["metric"] == metric) return figure["value"];
    }
    ADD_FAILURE() << "no " << metric << " of " << scene << "/" << task;
    return -1;
  }

  TempDirectory directory_;
  std::unique_ptr<BackgroundProgram> server_;
  std::string address_;
};

TEST_F(MarketplaceTest, IsLearnedTowardsTheBestReachable) {
  StartServer("marketplace");
  const ProgramResult result = Polyscene({"simulate", "--stream", "--rows", "40000", "--producer", "simulator"});
  ASSERT_EQ(result.exit_status, 0) << result.error;
  const json summary = json::parse(result.out);
  EXPECT_EQ(summary["rows_accepted"], 40000);
  EXPECT_EQ(summary["rows_rejected"], 0);

  for (const char* scene : {"recommendation", "search"}) {
    const double learned = Figure(summary, scene, "click", "auc"), best = Figure(summary, scene, "click", "best_auc");
    EXPECT_GT(learned, 0.67) << scene;  // Popularity alone: about 0.62.
    EXPECT_LT(learned, best) << scene;
    EXPECT_GT(best, 0.75) << scene;
  }
  EXPECT_GT(Figure(summary, "behaviour", "churn", "auc"), 0.65);
  EXPECT_GT(Figure(summary, "behaviour", "category", "accuracy"), 0.16);  // Guessing one of eight: 0.125.
  EXPECT_GT(Figure(summary, "recommendation", "demand[0]", "r2"), 0.5);
  EXPECT_GT(Figure(summary, "*", "spend", "r2"), 0.1);

  // Both figures are of the same rows.
  for (const json& figure : summary["evaluation"]) {
    if (figure["metric"] != "best_auc") continue;
    for (const json& other : summary["evaluation"]) {
      if (other["scene"] == figure["scene"] && other["task"] == figure["task"] && other["metric"] == "auc") {
        EXPECT_EQ(other["rows"], figure["rows"]) << figure;
      }
    }
  }

  const ProgramResult again = Polyscene({"simulate", "--stream", "--rows", "40000", "--producer", "simulator"});
  ASSERT_EQ(again.exit_status, 0) << again.error;
  EXPECT_EQ(json::parse(again.out)["rows_known"], 40000) << "a run that goes on sends nothing twice";
  EXPECT_EQ(server_->Stop(), 0);
}

TEST_F(MarketplaceTest, RankingRequestsAreAnswered) {
  StartServer("marketplace");
  const std::string requests = (directory_.path() / "requests.csv").string();
  ASSERT_EQ(RunProgram({POLYSCENE_PROGRAM, "simulate", "--requests", "1", "--out", requests}).exit_status, 0);
  const ProgramResult result = Polyscene({"predict", requests, "--scene", "recommendation"});
  ASSERT_EQ(result.exit_status, 0) << result.error;
  EXPECT_THAT(result.out, HasSubstr("click"));
}

TEST_F(MarketplaceTest, AServerOfAnotherModelIsAClearError) {
  StartServer("eshop");
  const ProgramResult result = Polyscene({"simulate", "--stream", "--rows", "1000"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.error, HasSubstr("is not one of the simulated marketplace"));
  EXPECT_THAT(result.error, HasSubstr("scene 'recommendation' is missing"));
}

}  // namespace
}  // namespace polyscene
