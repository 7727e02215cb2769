// polyscene-train as a user runs it: train, serve its checkpoint's scores, export, and every way to use it wrongly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/data/csv_reader.h"
#include "nlohmann/json.hpp"
#include "tests/integration/marketplace/programs.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kModel[] = R"(
name: "shop"
features { name: "user" side: CONTEXT type: STRING personal: true encode { hash { embedding { dimension: 4 } } } }
features { name: "tags" side: CONTEXT type: STRING sequence {} encode { hash { embedding { dimension: 4 } } } }
features { name: "price" side: CANDIDATE type: FLOAT required: true encode { numeric {} } }
scenes { name: "shop" tasks: ["click", "kind"] rank_by { factors { task: "click" } } }
scenes { name: "search" tasks: ["click"] }
tasks { name: "click" binary {} }
tasks { name: "kind" multi_class { classes: 3 } weight: 0.5 }
network { shared_bottom { hidden: [8] } tower: [4] }
learning { step_rows: 32 }
files { event_time_column: "time" request_id_column: "request" }
)";

std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class TrainProgramTest : public testing::Test {
 protected:
  void SetUp() override { model_ = Write("model.textproto", kModel); }

  std::string Path(const std::string& name) const { return (directory_.path() / name).string(); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }

  // Days from 2024-01-01 on, 20 rows a day. The click follows the user, of whom one has no name; the kind the price.
  std::string WriteRows(const std::string& name, int rows, bool labels = true) const {
    std::string text = absl::StrCat("request,scene,time,user,tags,price", labels ? ",click,kind" : "", "\n");
    for (int r = 0; r < rows; ++r) {
      const int user = r * 7 % 11, price = r * 5 % 9, day = 1 + r / 20;
      absl::StrAppend(&text, "q", r, ",", r % 4 == 0 ? "search" : "shop", ",2024-01-", day < 10 ? "0" : "", day, ",",
                      user == 0 ? "" : absl::StrCat("u", user), ",", r % 2 == 0 ? "" : "a|b", ",", price);
      if (labels) absl::StrAppend(&text, ",", user % 2, ",", r % 4 == 0 ? "" : absl::StrCat(price % 3));
      text += "\n";
    }
    return Write(name, text);
  }

  ProgramResult Train(std::vector<std::string> words) const {
    words.insert(words.begin(), POLYSCENE_TRAIN_PROGRAM);
    return RunProgram(words);
  }
  // Trains on 400 rows; standard output's JSON.
  json TrainShop(const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"--model", model_,    "--train", WriteRows("train.csv", 400),
                                      "--out",   Path(out), "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = Train(words);
    EXPECT_EQ(result.exit_status, 0) << result.error;
    return result.exit_status == 0 ? json::parse(result.out) : json::object();
  }
  std::string Failure(std::vector<std::string> words, int exit_status = 1) const {
    const ProgramResult result = Train(std::move(words));
    EXPECT_EQ(result.exit_status, exit_status) << result.error;
    EXPECT_EQ(result.out, "");
    return result.error;
  }
  std::string TrainFailure(const std::string& train, std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"--model", model_, "--train", train, "--out", Path("ck")};
    words.insert(words.end(), more.begin(), more.end());
    std::string error = Failure(std::move(words));
    EXPECT_FALSE(fs::exists(Path("ck"))) << "a run that fails leaves nothing";
    EXPECT_FALSE(fs::exists(Path("ck.writing")));
    return error;
  }
  static double Figure(const json& result, const std::string& task, const std::string& metric) {
    for (const json& figure : result["evaluation"]) {
      if (figure["scene"] == "*" && figure["task"] == task && figure["metric"] == metric) return figure["value"];
    }
    ADD_FAILURE() << "no " << metric << " of " << task;
    return -1;
  }

  TempDirectory directory_;
  std::string model_;
};

TEST_F(TrainProgramTest, LearnsAndEvaluatesWhatIsFromTheSplitOn) {
  const json result = TrainShop("ck", {"--epochs", "60", "--split", "2024-01-16"});
  EXPECT_EQ(result["train_rows"], 300);
  EXPECT_EQ(result["test_rows"], 100);
  EXPECT_EQ(result["rows_learned"], 60 * 300);
  EXPECT_EQ(result["step"], 60 * 10);  // 300 rows are 10 steps of 32, the last of 12.
  ASSERT_EQ(result["epochs"].size(), 60u);
  EXPECT_LT(result["epochs"][59]["loss"], result["epochs"][0]["loss"]);
  EXPECT_GT(Figure(result, "click", "auc"), 0.95);
  EXPECT_NEAR(
      result["test_loss"].get<double>(),
      result["test_task_losses"]["click"].get<double>() + 0.5 * result["test_task_losses"]["kind"].get<double>(), 1e-9);
  EXPECT_FALSE(result["interrupted"]);
  EXPECT_TRUE(fs::exists(Path("ck") + "/state.ckpt"));
}

TEST_F(TrainProgramTest, TheSameSeedGivesTheSameBytesAndAnotherOrderAnother) {
  TrainShop("one", {"--epochs", "2", "--seed", "5"});
  TrainShop("two", {"--epochs", "2", "--seed", "5"});
  TrainShop("other", {"--epochs", "2", "--seed", "6"});
  const std::string one = Read(Path("one") + "/state.ckpt");
  EXPECT_TRUE(one == Read(Path("two") + "/state.ckpt"));
  EXPECT_FALSE(one == Read(Path("other") + "/state.ckpt"));
}

TEST_F(TrainProgramTest, InspectTellsWhatACheckpointHolds) {
  TrainShop("ck", {"--seed", "5"});
  TrainShop("twin", {"--seed", "5"});
  const json held = json::parse(Train({"--inspect", Path("ck"), "--json"}).out);
  EXPECT_EQ(held["valid"], true);
  EXPECT_EQ(held["model"], "shop");
  EXPECT_EQ(held["rows_learned"], 400);
  EXPECT_EQ(held["tables"][0]["table"], "user");
  EXPECT_EQ(held["tables"][0]["rows"], 11);
  EXPECT_EQ(held["files"].size(), 2u);
  EXPECT_EQ(held["statistics"][0]["feature"], "price");
  EXPECT_EQ(json::parse(Train({"--inspect", Path("twin"), "--json"}).out)["state_digest"], held["state_digest"]);
  const ProgramResult text = Train({"--inspect", Path("ck")});
  EXPECT_EQ(text.exit_status, 0);
  EXPECT_THAT(text.out, HasSubstr("every checksum holds; state digest " + held["state_digest"].get<std::string>()));
}

TEST_F(TrainProgramTest, InspectOfADataDirectoryGoesThroughItsCheckpointsAndFailsOnADamagedOne) {
  TrainShop("ck");
  const fs::path folder = fs::path(Path("data")) / "checkpoints";
  fs::create_directories(folder);
  fs::copy(Path("ck"), folder / "00000000000000000009");
  fs::copy(Path("ck"), folder / "00000000000000000400");
  fs::copy(Path("ck"), folder / "00000000000000000500.corrupt");
  const json both = json::parse(Train({"--inspect", Path("data"), "--json"}).out);
  EXPECT_EQ(both["checkpoints"].size(), 2u);
  EXPECT_EQ(both["set_aside"][0], "00000000000000000500.corrupt");

  const fs::path rows = folder / "00000000000000000400" / "rows.000000";
  std::fstream(rows, std::ios::in | std::ios::out | std::ios::binary).seekp(100).put('\x55').put('\xaa');
  const ProgramResult damaged = Train({"--inspect", folder.string(), "--json"});
  EXPECT_EQ(damaged.exit_status, 1);
  EXPECT_THAT(damaged.error, HasSubstr(rows.string()));
  const json checkpoints = json::parse(damaged.out)["checkpoints"];
  EXPECT_EQ(checkpoints[0]["valid"], true);
  EXPECT_EQ(checkpoints[1]["valid"], false);
}

TEST_F(TrainProgramTest, InspectOfWhatIsNoCheckpointSaysWhatItExpects) {
  fs::create_directories(Path("empty_folder"));
  EXPECT_THAT(Failure({"--inspect", Path("empty_folder")}), HasSubstr("holds no checkpoint; expected"));
  EXPECT_THAT(Failure({"--inspect", Path("nowhere")}), HasSubstr("there is no directory"));
  EXPECT_THAT(Failure({"--inspect", Path("ck"), "--out", Path("x")}, 2), HasSubstr("no other flag"));
}

TEST_F(TrainProgramTest, StatisticsComeFromTheTrainingRowsAloneAndStayWhenGoingOn) {
  TrainShop("a", {"--epochs", "1", "--split", "2024-01-16", "--export", Path("a.npz")});
  TrainShop("b", {"--epochs", "3", "--split", "2024-01-16", "--from", Path("a"), "--export", Path("b.npz")});
  // count, mean, ...: 300 rows of price r * 5 % 9.
  const auto statistics = [&](const std::string& file) {
    const std::string bytes = Read(Path(file));
    const size_t name = bytes.find("statistics/price.npy");
    const size_t data = bytes.find('\n', name) + 1;
    std::vector<double> values(5);
    std::memcpy(values.data(), &bytes.at(data), 40);
    return values;
  };
  EXPECT_EQ(statistics("a.npz")[0], 300);
  EXPECT_EQ(statistics("a.npz"), statistics("b.npz"));
}

TEST_F(TrainProgramTest, ACheckpointGoesOn) {
  TrainShop("first", {"--epochs", "2"});
  const json second = TrainShop("second", {"--epochs", "3", "--from", Path("first")});
  EXPECT_EQ(second["rows_learned"], 5 * 400);
}

TEST_F(TrainProgramTest, EveryRowOfAFileIsScoredInItsOrder) {
  TrainShop("ck", {"--epochs", "30"});
  std::string rows = Read(WriteRows("rows.csv", 50, /*labels=*/false));
  rows += "q50,shop,,u1,a,cheap\n";  // No number.
  rows += "q51,garden,,u1,a,1\n";    // No such scene.
  rows += "q52,shop,,u1,a,1\n";
  const ProgramResult result =
      Train({"--checkpoint", Path("ck"), "--predict", Write("rows.csv", rows), "--out", Path("scores.csv"), "--json"});
  EXPECT_EQ(result.exit_status, 1) << "two rows could not be scored, and none is tolerated";
  EXPECT_THAT(result.error, HasSubstr("rows.csv:52: column 'price': got 'cheap'"));
  EXPECT_EQ(json::parse(result.out)["rows"], 53);
  EXPECT_EQ(json::parse(result.out)["rows_rejected"], 2);

  auto scores = CsvReader::Open(Path("scores.csv"));
  ASSERT_TRUE(scores.ok()) << scores.status();
  EXPECT_THAT((*scores)->header(), testing::ElementsAre("line", "scene", "request", "click", "kind[0]", "kind[1]",
                                                        "kind[2]", "ranking", "error"));
  int right = 0;
  for (int r = 0; r < 53; ++r) {
    ASSERT_EQ((*scores)->Next(), CsvReader::Outcome::kRow) << (*scores)->message();
    const auto fields = (*scores)->fields();
    EXPECT_EQ(fields[0], absl::StrCat(r + 2));
    if (r == 50 || r == 51) {
      EXPECT_EQ(fields[3], "");
      EXPECT_THAT(std::string(fields[8]), HasSubstr("expected")) << r;
      continue;
    }
    EXPECT_EQ(fields[2], absl::StrCat("q", r));
    double click = -1;
    ASSERT_TRUE(absl::SimpleAtod(fields[3], &click)) << fields[3];
    const bool shop = fields[1] == "shop";
    EXPECT_EQ(fields[4].empty(), !shop);
    EXPECT_EQ(fields[7], shop ? fields[3] : "");
    EXPECT_EQ(fields[8], "");
    if (r < 50 && (click > 0.5) == (r * 7 % 11 % 2 == 1)) ++right;
  }
  EXPECT_EQ((*scores)->Next(), CsvReader::Outcome::kEnd);
  EXPECT_GT(right, 45);
}

TEST_F(TrainProgramTest, NoFileThatIsThereIsOverwritten) {
  TrainShop("ck");
  const std::string rows = WriteRows("rows.csv", 3);
  EXPECT_THAT(Failure({"--checkpoint", Path("ck"), "--predict", rows, "--out", rows}), HasSubstr("exists"));
  EXPECT_THAT(Failure({"--checkpoint", Path("ck"), "--export", Path("ck/state.ckpt")}), HasSubstr("exists"));
  EXPECT_EQ(Train({"--checkpoint", Path("ck"), "--predict", rows, "--out", Path("scores.csv")}).exit_status, 0);
}

TEST_F(TrainProgramTest, RowsWithoutASceneAreOfTheOneThatIsGiven) {
  TrainShop("ck");
  const std::string rows = Write("rows.csv", "user,price\nu1,1\nu2,2\n");
  const std::vector<std::string> words = {"--checkpoint", Path("ck"), "--predict", rows, "--out", Path("scores.csv")};
  EXPECT_THAT(Failure(words), HasSubstr("scene"));
  std::vector<std::string> with_scene = words;
  with_scene.insert(with_scene.end(), {"--scene", "search"});
  EXPECT_EQ(Train(with_scene).exit_status, 0);
  EXPECT_THAT(Read(Path("scores.csv")), testing::StartsWith("line,scene,click,error\n2,search,0."));
  fs::remove(Path("scores.csv"));
  with_scene.back() = "garden";
  EXPECT_THAT(Failure(with_scene), HasSubstr("scene 'garden' is not in the model, expected one of shop, search"));
}

TEST_F(TrainProgramTest, ACheckpointIsEvaluatedAsTheTrainingRunDid) {
  const std::string test = WriteRows("test.csv", 100);
  const json trained = TrainShop("ck", {"--epochs", "5", "--test", test});
  const ProgramResult again = Train({"--checkpoint", Path("ck"), "--test", test, "--json"});
  ASSERT_EQ(again.exit_status, 0) << again.error;
  EXPECT_EQ(json::parse(again.out)["evaluation"], trained["evaluation"]);
  EXPECT_EQ(json::parse(again.out)["test_loss"], trained["test_loss"]);
}

TEST_F(TrainProgramTest, ExportedWeightsMakeTheSameScoresInNumPy) {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) {
    GTEST_SKIP() << "no NumPy (Debian's python3-numpy) for /usr/bin/python3";
  }
  TrainShop("ck", {"--epochs", "3"});
  // Users are known by their keyed hash, so these rows are of the one without a name: the missing id.
  const std::string rows = Write("rows.csv", "scene,price\nshop,1\nshop,4.5\nsearch,8\n");
  ASSERT_EQ(
      Train({"--checkpoint", Path("ck"), "--predict", rows, "--out", Path("scores.csv"), "--export", Path("w.npz")})
          .exit_status,
      0);
  Write("forward.py", R"(
import csv, sys, numpy as np
w = np.load(sys.argv[1])
def embed(table, i):
    at = np.flatnonzero(w['table/%s/ids' % table] == i)
    return w['table/%s/rows' % table][at[0]]
count, mean, deviation, low, high = w['statistics/price']
relu = lambda x: np.maximum(x, 0)
def forward(task, price):
    # Inputs: single-valued embeddings, then pooled sequences (an empty one is zero), then numeric features.
    x = np.concatenate([embed('user', -2**63), np.zeros(4), [(price - mean) / deviation]])
    x = relu(x @ w['dense/bottom.0.weight'] + w['dense/bottom.0.bias'])
    x = relu(x @ w['dense/tower.0.weight'][task] + w['dense/tower.0.bias'][task, 0])
    name = ['click', 'kind'][task]
    return x @ w['dense/head.%s.weight' % name] + w['dense/head.%s.bias' % name]
assert bytes(w['model']).decode().startswith('name: "shop"')
prices = [1, 4.5, 8]
for row, price in zip(csv.DictReader(open(sys.argv[2])), prices):
    click = 1 / (1 + np.exp(-forward(0, price)[0]))
    assert abs(click - float(row['click'])) < 1e-5, (click, row)
    if row['scene'] != 'shop': continue
    logits = forward(1, price)
    p = np.exp(logits - logits.max()); p /= p.sum()
    for k in range(3): assert abs(p[k] - float(row['kind[%d]' % k])) < 1e-5, (p, row)
)");
  const ProgramResult result = RunProgram({"/usr/bin/python3", Path("forward.py"), Path("w.npz"), Path("scores.csv")});
  EXPECT_EQ(result.exit_status, 0) << result.error;
}

TEST_F(TrainProgramTest, FilesWithOtherColumnsAreRefused) {
  const std::string test = Write("test.csv", "request,scene,time,user,price,click,kind\nq,shop,2024-01-01,u,1,1,1\n");
  EXPECT_THAT(TrainFailure(WriteRows("train.csv", 40), {"--test", test}),
              HasSubstr("test.csv has other columns than "));
}

TEST_F(TrainProgramTest, AnEmptyFileIsRefused) {
  EXPECT_THAT(TrainFailure(Write("train.csv", "")), HasSubstr("train.csv"));
  EXPECT_THAT(TrainFailure(Write("train.csv", "request,scene,time,user,tags,price,click,kind\n")),
              HasSubstr("no row to train on"));
  EXPECT_THAT(TrainFailure(WriteRows("train.csv", 40), {"--split", "2001-01-01"}), HasSubstr("no row to train on"));
  EXPECT_THAT(TrainFailure(WriteRows("train.csv", 40), {"--split", "2030-01-01"}), HasSubstr("no row to evaluate"));
}

TEST_F(TrainProgramTest, ATaskWithoutALabelIsRefusedButAFileWithoutItsColumnIsNot) {
  EXPECT_THAT(TrainFailure(Write("train.csv", "request,scene,time,user,tags,price,click,kind\nq,shop,,u,,1,1,\n")),
              HasSubstr("task 'kind': of the 1 training rows none has its label (column 'kind'"));
  const ProgramResult result =
      Train({"--model", model_, "--train",
             Write("train.csv", "request,scene,time,user,tags,price,click\nq,shop,,u,,1,1\n"), "--out", Path("ck")});
  EXPECT_EQ(result.exit_status, 0) << result.error;
  EXPECT_THAT(result.error, HasSubstr("has no column of task 'kind'"));
}

TEST_F(TrainProgramTest, AClassBeyondTheDeclaredOnesIsRefusedWithItsLineUnlessTolerated) {
  const std::string train =
      Write("train.csv", "request,scene,time,user,tags,price,click,kind\nq,shop,,u,,1,1,1\nq,shop,,u,,1,1,3\n");
  EXPECT_THAT(TrainFailure(train), testing::AllOf(HasSubstr("train.csv:3: label of task 'kind'"), HasSubstr("got 3"),
                                                  HasSubstr("1 row was refused (out_of_range 1)")));
  EXPECT_EQ(Train({"--model", model_, "--train", train, "--out", Path("ck"), "--max_rejected", "1"}).exit_status, 0);
}

TEST_F(TrainProgramTest, PathsThatCannotBeReadOrWrittenAreNamed) {
  EXPECT_THAT(TrainFailure(Path("none.csv")), HasSubstr("none.csv"));
  EXPECT_THAT(TrainFailure(directory_.path().string()), HasSubstr("is a folder"));
  const std::string train = WriteRows("train.csv", 40);
  EXPECT_THAT(Failure({"--model", model_, "--train", train, "--out", Path("train.csv")}), HasSubstr("is a file"));
  EXPECT_THAT(Failure({"--model", model_, "--train", train, "--out", "/proc/none/ck"}),
              HasSubstr("--out: cannot create"));
  EXPECT_THAT(Failure({"--model", Path("none.textproto"), "--train", train, "--out", Path("ck")}),
              HasSubstr("none.textproto"));
  fs::create_directory(Path("full"));
  Write("full/file", "");
  EXPECT_THAT(Failure({"--model", model_, "--train", train, "--out", Path("full")}), HasSubstr("not empty"));
  fs::create_directory(Path("empty"));
  EXPECT_EQ(Train({"--model", model_, "--train", train, "--out", Path("empty/")}).exit_status, 0);
  EXPECT_TRUE(fs::exists(Path("empty") + "/state.ckpt"));
}

TEST_F(TrainProgramTest, ACheckpointOfAnotherModelIsRefused) {
  TrainShop("ck1");
  std::string other = kModel;
  other.replace(other.find("hidden: [8]"), 11, "hidden: [9]");
  const std::string error = Failure({"--model", Write("other.textproto", other), "--train", WriteRows("train.csv", 40),
                                     "--from", Path("ck1"), "--out", Path("ck2")});
  EXPECT_THAT(error, HasSubstr("the checkpoint is of model "));
  EXPECT_THAT(Failure({"--model", model_, "--train", Path("train.csv"), "--from", Path("none"), "--out", Path("ck2")}),
              HasSubstr("none/state.ckpt"));
}

TEST_F(TrainProgramTest, WrongUseIsExitStatus2) {
  EXPECT_THAT(Failure({"--model", model_}, 2), HasSubstr("--train is missing"));
  EXPECT_THAT(Failure({"--unknown"}, 2), HasSubstr("--unknown"));
}

TEST_F(TrainProgramTest, OneCtrlCSavesWhatWasLearned) {
  BackgroundProgram training({POLYSCENE_TRAIN_PROGRAM, "--model", model_, "--train", WriteRows("train.csv", 400),
                              "--epochs", "1000000", "--out", Path("ck")});
  training.WaitForLine("epoch 1/1000000");
  EXPECT_EQ(training.Stop(), 1);  // SIGTERM asks as SIGINT does.
  EXPECT_TRUE(fs::exists(Path("ck") + "/state.ckpt"));
  EXPECT_FALSE(fs::exists(Path("ck.writing")));
  EXPECT_GT(TrainShop("more", {"--from", Path("ck")})["rows_learned"], 400);
}

// The field's classic program.
TEST_F(TrainProgramTest, TheClassicProgramBeatsTheMeanAndTheMajority) {
  ASSERT_EQ(RunProgram({POLYSCENE_PROGRAM, "simulate", "--classic", Path("classic")}).exit_status, 0);
  const ProgramResult result =
      Train({"--model", POLYSCENE_MODELS "/classic.textproto", "--train", Path("classic/train.csv"), "--test",
             Path("classic/test.csv"), "--epochs", "15", "--batch_size", "64", "--out", Path("ck"), "--json"});
  ASSERT_EQ(result.exit_status, 0) << result.error;
  const json report = json::parse(result.out);

  std::vector<double> levels;
  auto test = CsvReader::Open(Path("classic/test.csv"));
  ASSERT_TRUE(test.ok()) << test.status();
  EXPECT_THAT((*test)->header(), testing::ElementsAre("user_interest", "item_feature", "user_behavior"));
  while ((*test)->Next() == CsvReader::Outcome::kRow) {
    double level = -1;
    ASSERT_TRUE(absl::SimpleAtod((*test)->fields()[2], &level));
    levels.push_back(level);
  }
  ASSERT_EQ(levels.size(), 1000u);
  double mean = 0, variance = 0;
  std::vector<int> counts(5);
  for (const double level : levels) mean += level / 1000, ++counts.at(static_cast<size_t>(level));
  for (const double level : levels) variance += (level - mean) * (level - mean) / 1000;
  const double majority = *std::max_element(counts.begin(), counts.end()) / 1000.0;

  EXPECT_GT(Figure(report, "classification", "accuracy"), majority + 0.15);
  EXPECT_LT(Figure(report, "regression", "mse"), 0.3 * variance);
  EXPECT_LT(Figure(report, "prediction[0]", "mse"), 0.3 * variance);
  EXPECT_GT(report["test_loss"], 0);
  EXPECT_EQ(report["epochs"].size(), 15u);
}

}  // namespace
}  // namespace polyscene
