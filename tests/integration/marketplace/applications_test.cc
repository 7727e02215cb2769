// The four applications on the simulated marketplace, as the README runs them: each has a figure and what it has to
// beat.
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/integration/marketplace/programs.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

using nlohmann::json;

constexpr char kDays[] = "67";  // The requests to be scored come on the day after the last.

// A figure of an evaluation; fails the test where it is not there.
double Figure(const json& result, const std::string& scene, const std::string& task, const std::string& metric) {
  for (const json& figure : result["evaluation"]) {
    if (figure["scene"] == scene && figure["task"] == task && figure["metric"] == metric) return figure["value"];
  }
  ADD_FAILURE() << "no " << metric << " of " << scene << "/" << task;
  return -1;
}

class Application : public ::testing::Test {
 protected:
  static std::string Path(const std::string& name) { return (directory_->path() / name).string(); }

  static void SetUpTestSuite() {
    directory_ = new TempDirectory;
    const ProgramResult made = RunProgram({POLYSCENE_PROGRAM, "simulate", "--days", kDays, "--requests", "1200",
                                           "--candidates", "20", "--labels", "--truth", "--out", Path("requests.csv")});
    ASSERT_EQ(made.exit_status, 0) << made.error;
  }
  static void TearDownTestSuite() {
    delete directory_;
    directory_ = nullptr;
  }

  void StartServer(const std::string& model) {
    server_ = std::make_unique<BackgroundProgram>(std::vector<std::string>{
        POLYSCENE_SERVER_PROGRAM, "--model", absl::StrCat(POLYSCENE_MODELS, "/", model, ".textproto"), "--data_dir",
        Path(absl::StrCat("data-", model)), "--listen", "127.0.0.1:0", "--metrics_listen", "127.0.0.1:0"});
    address_ = server_->WaitForLine("listening on ");
    server_->WaitForLine("serving version ");
  }

  json Polyscene(std::vector<std::string> words) {
    words.insert(words.begin(), {POLYSCENE_PROGRAM, "--server", address_, "--json"});
    const ProgramResult result = RunProgram(words);
    EXPECT_EQ(result.exit_status, 0) << result.error;
    return result.exit_status == 0 ? json::parse(result.out) : json();
  }

  static TempDirectory* directory_;
  std::unique_ptr<BackgroundProgram> server_;
  std::string address_;
};

TempDirectory* Application::directory_ = nullptr;

// One model learns the marketplace once and is asked for ranked lists, purchases and churn.
TEST_F(Application, RankedListsAndProbabilitiesBeatWhatNeedsNoModel) {
  StartServer("marketplace");
  const json learned = Polyscene({"simulate", "--stream", "--days", kDays, "--rows", "60000"});
  ASSERT_EQ(learned["rows_accepted"], 60000);

  const json truth = Polyscene({"predict", "--evaluate", Path("requests.csv"), "--baseline", "click=p_click",
                                "--baseline", "purchase=p_purchase", "--baseline", "churn=p_churn"});
  const json popular = Polyscene({"predict", "--evaluate", Path("requests.csv"), "--baseline", "click=item_clicks_7d"});
  const json by_text =
      Polyscene({"predict", "--evaluate", Path("requests.csv"), "--scene", "search", "--baseline", "click=text_score"});
  EXPECT_EQ(truth["requests"], 1200);
  EXPECT_EQ(truth["rows"], 24000);

  // Ranked lists: NDCG@10 of 20 candidates. Measured 0.57 and 0.56; random 0.29 and 0.31, the best reachable 0.60 and
  // 0.59.
  for (const std::string scene : {"recommendation", "search"}) {
    SCOPED_TRACE(scene);
    const double ndcg = Figure(truth, scene, "click", "ndcg@10");
    EXPECT_GT(ndcg, Figure(truth, scene, "click", "ndcg@10:random") + 0.18);
    EXPECT_GT(ndcg, Figure(popular, scene, "click", "ndcg@10:baseline") + 0.08);
    EXPECT_LT(ndcg, Figure(truth, scene, "click", "ndcg@10:baseline")) << "nothing is better than the truth";
    EXPECT_GT(Figure(truth, scene, "click", "gauc"), 0.70);
  }
  EXPECT_GT(Figure(by_text, "search", "click", "ndcg@10"),
            Figure(by_text, "search", "click", "ndcg@10:baseline") + 0.03);

  // Purchase and churn: probabilities that tell more than the base rate does (normalized entropy below 1), and whose
  // sum is near what happened. Measured AUC 0.80 and 0.73; the best reachable 0.85 and 0.77.
  for (const std::string task : {"purchase", "churn"}) {
    SCOPED_TRACE(task);
    EXPECT_GT(Figure(truth, "*", task, "auc"), task == "churn" ? 0.70 : 0.76);
    EXPECT_LT(Figure(truth, "*", task, "auc"), Figure(truth, "*", task, "auc:baseline"));
    EXPECT_LT(Figure(truth, "*", task, "normalized_entropy"), 0.97);
    EXPECT_GT(Figure(truth, "*", task, "log_loss"), Figure(truth, "*", task, "log_loss:baseline"));
    EXPECT_GT(Figure(truth, "*", task, "calibration"), 0.5);
    EXPECT_LT(Figure(truth, "*", task, "calibration"), 2);
  }
}

// The demand of the week to come. What is known on the day of the forecast is the log without its last week, for of
// those rows the seven days are not over yet.
TEST_F(Application, TheForecastOfDemandBeatsLastWeeksSales) {
  StartServer("inventory");
  const std::string log = Path("log.csv"), items = Path("items.csv");
  const ProgramResult made =
      RunProgram({POLYSCENE_PROGRAM, "simulate", "--days", kDays, "--rows", "223000", "--out", log});
  ASSERT_EQ(made.exit_status, 0) << made.error;
  {
    std::ifstream from(log);
    std::ofstream to(items);
    for (std::string line; std::getline(from, line);) {
      const bool header = line.compare(0, 10, "event_time") == 0;
      if (!header && line.compare(0, 10, "2026-03-06") >= 0) break;  // Day 60.
      if (line.find(",behaviour,") == std::string::npos) to << line << "\n";
    }
  }
  Polyscene({"stream", items});

  const std::vector<std::string> scenes = {"recommendation", "search"};
  for (const std::string& scene : scenes) {
    SCOPED_TRACE(scene);
    const json result = Polyscene(
        {"predict", "--evaluate", Path("requests.csv"), "--scene", scene, "--baseline", "demand=item_sales_7d/7"});
    double r2 = 0, naive_r2 = 0, mae = 0, naive_mae = 0;
    for (int day = 0; day < 7; ++day) {
      const std::string task = absl::StrCat("demand[", day, "]");
      r2 += Figure(result, scene, task, "r2") / 7;
      naive_r2 += Figure(result, scene, task, "r2:baseline") / 7;
      mae += Figure(result, scene, task, "mae") / 7;
      naive_mae += Figure(result, scene, task, "mae:baseline") / 7;
    }
    // Last week's sales are hard to beat: what is left is mostly chance. Measured over both scenes: R2 0.778 against
    // 0.767, MAE (of the logarithm) 0.354 against 0.359; with two other seeds the forecast is ahead in both as well.
    EXPECT_GT(r2, naive_r2 + 0.004);
    EXPECT_LT(mae, naive_mae);
    EXPECT_GT(r2, 0.75);
  }
}

}  // namespace
}  // namespace polyscene
