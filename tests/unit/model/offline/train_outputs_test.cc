// polyscene-train --tensorboard and --report.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "model/data/csv_reader.h"
#include "model/evaluation/evaluation.h"
#include "model/evaluation/ndcg.h"
#include "tests/support/event_file_reader.h"
#include "tests/unit/model/offline/train_runs_fixture.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;

std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class TrainOutputsTest : public TrainRunsTest {
 protected:
  // 300 training rows and 100 test rows, 3 epochs.
  Result TrainShop(const std::string& out, std::vector<std::string> more) {
    std::vector<std::string> words = {"--model",  WriteModel("model.textproto"),
                                      "--train",  WriteRows("rows.csv", 400),
                                      "--split",  "2024-01-16",
                                      "--epochs", "3",
                                      "--out",    Path(out),
                                      "--json"};
    words.insert(words.end(), more.begin(), more.end());
    Result result = Train(words);
    EXPECT_TRUE(result.status.ok()) << result.status;
    return result;
  }

  static ReadEvents Events(const fs::path& directory) {
    for (const auto& entry : fs::directory_iterator(directory)) return ReadEventFile(Read(entry.path()));
    ADD_FAILURE() << "no event file in " << directory;
    return {};
  }
};

TEST_F(TrainOutputsTest, TheEventFileHasTheRunsCurves) {
  const json report = TrainShop("ck", {"--tensorboard", Path("logs")}).json();
  EXPECT_THAT(report["tensorboard"].get<std::string>(), testing::StartsWith(Path("logs")));
  const ReadEvents events = Events(Path("logs"));
  ASSERT_EQ(events.error, "");
  // Each of the 10 steps of an epoch (32 rows, the last 12) is a point, for fewer than 200 make the run.
  const auto& joint = events.scalars.at("train_loss/joint");
  ASSERT_EQ(joint.size(), 30u);
  EXPECT_EQ(joint[0].first, 32);
  EXPECT_EQ(joint[9].first, 300);
  EXPECT_EQ(joint[29].first, 900);
  double weighted = 0;
  for (int i = 20; i < 30; ++i) weighted += events.scalars.at("train_loss/click")[i].second * (i < 29 ? 32 : 12) / 300;
  EXPECT_NEAR(weighted, report["epochs"][2]["task_losses"]["click"].get<double>(), 1e-5);
  // An evaluation after every epoch, the last of them what the run tells.
  const auto& auc = events.scalars.at("auc/click/*");
  ASSERT_EQ(auc.size(), 3u);
  EXPECT_EQ(auc[0].first, 300);
  EXPECT_EQ(auc[2].first, 900);
  for (const json& figure : report["evaluation"]) {
    const std::string tag = absl::StrCat(figure["metric"].get<std::string>(), "/", figure["task"].get<std::string>(),
                                         "/", figure["scene"].get<std::string>());
    ASSERT_THAT(events.scalars, Contains(Key(tag)));
    EXPECT_FLOAT_EQ(events.scalars.at(tag).back().second, figure["value"].get<float>()) << tag;
  }
  EXPECT_FLOAT_EQ(events.scalars.at("test_loss/joint").back().second, report["test_loss"].get<float>());
  EXPECT_EQ(events.scalars.at("table_rows/user").back().second, 11);
  EXPECT_EQ(events.scalars.at("speed/rows_per_second").size(), 30u);
}

TEST_F(TrainOutputsTest, TheEventFileHasEveryMatrixAndItsGradients) {
  TrainShop("ck", {"--tensorboard", Path("logs")});
  const ReadEvents events = Events(Path("logs"));
  const auto& weights = events.histograms.at("weights/bottom.0.weight");
  const auto& gradients = events.histograms.at("gradients/bottom.0.weight");
  EXPECT_EQ(weights.front().first, 0) << "before the first step";
  EXPECT_EQ(weights.back().first, 900);
  EXPECT_EQ(weights.front().second.num, 5 * 8);
  EXPECT_EQ(gradients.front().second.max, 0);
  EXPECT_GT(gradients.back().second.sum_squares, 0);
  EXPECT_NE(weights.front().second.sum, weights.back().second.sum);
  EXPECT_THAT(events.histograms, Contains(Key("weights/head.spend.bias")));
}

// The program's own scores, grouped by hand.
TEST_F(TrainOutputsTest, RequestsAreEvaluatedByTheirOwnRows) {
  const json report = TrainShop("ck", {}).json();
  ASSERT_TRUE(
      Train({"--checkpoint", Path("ck"), "--predict", Path("rows.csv"), "--out", Path("scores.csv")}).status.ok());
  std::map<std::string, std::pair<std::vector<float>, std::vector<float>>> requests;  // (scores, labels)
  std::map<std::string, std::string> scenes;
  auto scores = CsvReader::Open(Path("scores.csv")), rows = CsvReader::Open(Path("rows.csv"));
  ASSERT_TRUE(scores.ok() && rows.ok());
  ASSERT_THAT((*scores)->header(),
              testing::ElementsAre("line", "scene", "request", "click", "spend", "ranking", "error"));
  for (int row = 0; row < 400; ++row) {
    ASSERT_EQ((*scores)->Next(), CsvReader::Outcome::kRow);
    ASSERT_EQ((*rows)->Next(), CsvReader::Outcome::kRow);
    if (row < 300) continue;  // Before --split.
    const std::string request((*scores)->fields()[2]);
    scenes[request] = std::string((*scores)->fields()[1]);
    ASSERT_TRUE(absl::SimpleAtof((*scores)->fields()[3], &requests[request].first.emplace_back()));
    ASSERT_TRUE(absl::SimpleAtof((*rows)->fields()[5], &requests[request].second.emplace_back()));
  }
  double gauc = 0, ndcg = 0;
  int counted = 0, listed = 0;
  for (const auto& [request, values] : requests) {
    ASSERT_EQ(values.first.size(), 5u);
    const double auc = ExactAuc(values.first, values.second);
    if (!std::isnan(auc)) {
      gauc += auc * 5;
      counted += 5;
    }
    if (scenes[request] != "shop") continue;  // The search ranks by nothing.
    const double gain = Ndcg(values.first, values.second, 10);
    if (std::isnan(gain)) continue;
    ndcg += gain;
    ++listed;
  }
  ASSERT_GT(counted, 0);
  ASSERT_GT(listed, 0);
  const auto figure = [&](const std::string& scene, const std::string& metric) {
    for (const json& f : report["evaluation"]) {
      if (f["scene"] == scene && f["task"] == "click" && f["metric"] == metric) return f;
    }
    ADD_FAILURE() << "no " << metric << " of " << scene;
    return json();
  };
  EXPECT_NEAR(figure("*", "gauc")["value"], gauc / counted, 1e-6);
  EXPECT_EQ(figure("*", "gauc")["rows"], counted);
  EXPECT_NEAR(figure("shop", "ndcg@10")["value"], ndcg / listed, 1e-6);
  EXPECT_EQ(figure("shop", "ndcg@10")["rows"], listed * 5);
}

TEST_F(TrainOutputsTest, LookingOnChangesNoWeight) {
  TrainShop("alone", {});
  TrainShop("watched", {"--tensorboard", Path("logs"), "--report", Path("page.html")});
  EXPECT_TRUE(Read(Path("alone/state.ckpt")) == Read(Path("watched/state.ckpt")));
}

TEST_F(TrainOutputsTest, ARunThatGoesOnIsToTheRightOfTheOneBefore) {
  TrainShop("first", {});
  TrainShop("second", {"--from", Path("first"), "--tensorboard", Path("logs")});
  EXPECT_EQ(Events(Path("logs")).scalars.at("train_loss/joint").front().first, 900 + 32);
}

TEST_F(TrainOutputsTest, ThePageHasFiguresCurvesModelCommandAndWhatWasRefused) {
  const std::string rows = WriteRows("rows.csv", 400);
  std::ofstream(rows, std::ios::app) << "q,shop,2024-01-20,1,1,7,1\n";  // A click of 7.
  const Result result =
      Train({"--model", WriteModel("model.textproto"), "--train", rows, "--split", "2024-01-16", "--epochs", "3",
             "--out", Path("ck"), "--report", Path("page.html"), "--max_rejected", "1"});
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_THAT(result.out, HasSubstr("report " + Path("page.html")));
  const std::string page = Read(Path("page.html"));
  EXPECT_THAT(page, HasSubstr("<title>Training of shop</title>"));
  EXPECT_THAT(page, HasSubstr(">click: auc</figcaption>"));
  EXPECT_THAT(page, HasSubstr(">spend: r2</figcaption>"));
  EXPECT_THAT(page, HasSubstr("shared_bottom { hidden: [8] }"));
  EXPECT_THAT(page, HasSubstr("--max_rejected 1</pre>"));
  EXPECT_THAT(page, HasSubstr("1 row was refused"));
  EXPECT_THAT(page, HasSubstr("rows.csv:402: "));
  EXPECT_THAT(page, HasSubstr("<dt>rows learned</dt><dd>900</dd>"));
  EXPECT_THAT(page, HasSubstr("<h2>Reliability</h2>"));
}

TEST_F(TrainOutputsTest, APageThatIsThereIsNotOverwritten) {
  const Result result = Train({"--model", WriteModel("model.textproto"), "--train", WriteRows("rows.csv", 40), "--out",
                               Path("ck"), "--report", Write("page.html", "mine")});
  EXPECT_THAT(result.status.message(), HasSubstr("--report: '"));
  EXPECT_EQ(Read(Path("page.html")), "mine");
  EXPECT_FALSE(fs::exists(Path("ck")));
}

TEST_F(TrainOutputsTest, AComparisonHasOnePageAndAnEventFileARun) {
  const Result result = Train({"--compare", WriteModel("a.textproto"), WriteModel("b.textproto", {{"[8]", "[6]"}}),
                               "--seeds", "2", "--train", WriteRows("rows.csv", 400), "--split", "2024-01-16",
                               "--report", Path("page.html"), "--tensorboard", Path("logs"), "--json"});
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.json()["report"], Path("page.html"));
  const std::string page = Read(Path("page.html"));
  EXPECT_THAT(page, HasSubstr("Comparison of a, b"));
  EXPECT_THAT(page, HasSubstr("hidden: [8]"));
  EXPECT_THAT(page, HasSubstr("hidden: [6]"));
  for (const char* run : {"a.run1", "a.run2", "b.run1", "b.run2"}) {
    EXPECT_THAT(Events(fs::path(Path("logs")) / run).scalars, Contains(Key("auc/click/*"))) << run;
  }
}

}  // namespace
}  // namespace polyscene
