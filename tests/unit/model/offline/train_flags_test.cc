// The command line of polyscene-train.
#include "model/offline/train_flags.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<TrainFlags> Read(std::vector<const char*> words) {
  words.insert(words.begin(), "polyscene-train");
  return ReadTrainFlags(static_cast<int>(words.size()), words.data());
}

std::string Mistake(const std::vector<const char*>& words) {
  const absl::StatusOr<TrainFlags> flags = Read(words);
  EXPECT_TRUE(absl::IsInvalidArgument(flags.status())) << flags.status();
  return std::string(flags.status().message());
}

TEST(TrainFlagsTest, TrainingTakesSeveralFiles) {
  const auto flags = Read({"--model", "m", "--train", "a", "b", "--test", "c", "--epochs", "3", "--out", "o"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_THAT(flags->train, testing::ElementsAre("a", "b"));
  EXPECT_THAT(flags->test, testing::ElementsAre("c"));
  EXPECT_EQ(flags->epochs, 3);
  EXPECT_EQ(flags->shuffle_buffer, 100'000);
}

TEST(TrainFlagsTest, TheSplitIsATime) {
  const auto flags = Read({"--model", "m", "--train", "a", "--split", "1970-01-02", "--out", "o"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_TRUE(flags->split);
  EXPECT_EQ(flags->split_micros, int64_t{86'400'000'000});
  EXPECT_THAT(Mistake({"--model", "m", "--train", "a", "--split", "soon", "--out", "o"}),
              HasSubstr("--split: got 'soon', expected an ISO 8601"));
}

TEST(TrainFlagsTest, WhatIsMissingOrDoesNotGoTogetherIsSaid) {
  EXPECT_THAT(Mistake({}), HasSubstr("--model is missing"));
  EXPECT_THAT(Mistake({"--model", "m", "--out", "o"}), HasSubstr("--train is missing"));
  EXPECT_THAT(Mistake({"--model", "m", "--train", "a"}), HasSubstr("--out is missing"));
  EXPECT_THAT(Mistake({"--model", "m", "--train", "a", "--out", "o", "--test", "b", "--split", "2024-01-01"}),
              HasSubstr("--split and --test"));
  EXPECT_THAT(Mistake({"--model", "m", "--train", "a", "--out", "o", "--predict", "p"}), HasSubstr("--checkpoint DIR"));
  EXPECT_THAT(Mistake({"--checkpoint", "c"}), HasSubstr("expected --predict FILE, --test FILE or --export"));
  EXPECT_THAT(Mistake({"--checkpoint", "c", "--predict", "p"}), HasSubstr("expected --out SCORES.csv"));
  EXPECT_THAT(Mistake({"--checkpoint", "c", "--train", "a"}), HasSubstr("--checkpoint trains nothing"));
  EXPECT_THAT(Mistake({"--epochs", "0"}), HasSubstr("--epochs"));
  EXPECT_THAT(Mistake({"--nonsense"}), HasSubstr("--nonsense"));
}

TEST(TrainFlagsTest, ComparingKeepsNoCheckpointAndNeedsTestRows) {
  const auto flags = Read({"--compare", "m", "n", "--train", "a", "--split", "2024-01-01", "--seeds", "3"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_THAT(flags->compare, testing::ElementsAre("m", "n"));
  EXPECT_EQ(flags->seeds, 3);
  EXPECT_THAT(Mistake({"--compare", "m", "--model", "n"}), HasSubstr("--compare and --model"));
  EXPECT_THAT(Mistake({"--compare", "m", "--train", "a", "--test", "b", "--out", "o"}), HasSubstr("no checkpoint"));
  EXPECT_THAT(Mistake({"--compare", "m", "--train", "a"}), HasSubstr("nothing to compare by"));
  EXPECT_THAT(Mistake({"--compare", "m", "--test", "a"}), HasSubstr("--train is missing"));
  EXPECT_THAT(Mistake({"--model", "m", "--train", "a", "--out", "o", "--seeds", "2"}), HasSubstr("--compare FILE..."));
}

TEST(TrainFlagsTest, TheCommandIsKeptAsAShellWouldReadIt) {
  const auto flags = Read({"--model", "it's <m>", "--train", "a-b_c/1.csv", "", "--out", "o"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_EQ(flags->command, R"(polyscene-train --model 'it'\''s <m>' --train a-b_c/1.csv '' --out o)");
}

TEST(TrainFlagsTest, PagesAndCurvesAreOfTraining) {
  EXPECT_THAT(Mistake({"--checkpoint", "c", "--test", "t", "--report", "r.html"}), HasSubstr("--report"));
  EXPECT_THAT(Mistake({"--inspect", "c", "--tensorboard", "d"}), HasSubstr("--inspect"));
}

TEST(TrainFlagsTest, HelpFitsOneScreenAndNamesEveryFlag) {
  const auto flags = Read({"--help"});
  ASSERT_TRUE(absl::IsCancelled(flags.status()));
  const std::string help(flags.status().message());
  const std::vector<std::string> lines = absl::StrSplit(help, '\n');
  EXPECT_LE(lines.size(), 26u);
  for (const std::string& line : lines) EXPECT_LE(line.size(), 100u) << line;
  for (const char* flag : {"model",   "train",      "test",           "split", "evaluate_from", "epochs",  "out",
                           "from",    "batch_size", "shuffle_buffer", "seed",  "max_rejected",  "threads", "hash_key",
                           "device",  "checkpoint", "predict",        "scene", "export",        "json",    "version",
                           "compare", "seeds",      "tensorboard",    "report"}) {
    EXPECT_THAT(help, HasSubstr(absl::StrCat("--", flag, " "))) << flag;
  }
  EXPECT_THAT(help, HasSubstr("Example:"));
}

}  // namespace
}  // namespace polyscene
