// `polyscene simulate --out`, as a user runs it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/integration/marketplace/programs.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class SimulateFileTest : public ::testing::Test {
 protected:
  ProgramResult Simulate(const std::string& out, const std::string& seed) {
    return RunProgram({POLYSCENE_PROGRAM, "simulate", "--rows", "3000", "--seed", seed, "--out", out, "--json"});
  }
  std::string Path(const std::string& name) { return (directory_.path() / name).string(); }

  TempDirectory directory_;
};

TEST_F(SimulateFileTest, StandardOutputIsOneJsonObject) {
  const ProgramResult result = Simulate(Path("events.csv"), "1");
  EXPECT_EQ(result.exit_status, 0) << result.error;
  EXPECT_EQ(nlohmann::json::parse(result.out)["rows"], 3000);
}

TEST_F(SimulateFileTest, AnotherProcessWithTheSameSeedWritesTheSameFile) {
  for (const char* name : {"one.csv", "two.csv"}) EXPECT_EQ(Simulate(Path(name), "7").exit_status, 0);
  EXPECT_EQ(Simulate(Path("other.csv"), "8").exit_status, 0);
  const std::string one = ReadFile(Path("one.csv"));
  EXPECT_EQ(std::count(one.begin(), one.end(), '\n'), 3001);
  EXPECT_TRUE(one == ReadFile(Path("two.csv")));
  EXPECT_FALSE(one == ReadFile(Path("other.csv")));
}

TEST_F(SimulateFileTest, TheClassicProgramsDataIsTwoFilesThatASeedDecides) {
  const auto simulate = [this](const char* folder, const char* seed) {
    return RunProgram({POLYSCENE_PROGRAM, "simulate", "--classic", Path(folder), "--rows", "500", "--seed", seed})
        .exit_status;
  };
  ASSERT_EQ(simulate("classic1", "1"), 0);
  ASSERT_EQ(simulate("classic2", "1"), 0);
  ASSERT_EQ(simulate("other", "9"), 0);
  const std::string train = ReadFile(Path("classic1/train.csv")), test = ReadFile(Path("classic1/test.csv"));
  EXPECT_THAT(train, ::testing::StartsWith("user_interest,item_feature,user_behavior\n0."));
  EXPECT_EQ(std::count(train.begin(), train.end(), '\n'), 401);
  EXPECT_EQ(std::count(test.begin(), test.end(), '\n'), 101);
  EXPECT_TRUE(train == ReadFile(Path("classic2/train.csv")));
  EXPECT_FALSE(train == ReadFile(Path("other/train.csv")));
}

TEST_F(SimulateFileTest, ANameWithGzIsCompressed) {
  EXPECT_EQ(Simulate(Path("events.csv.gz"), "1").exit_status, 0);
  EXPECT_EQ(ReadFile(Path("events.csv.gz")).substr(0, 2), "\x1f\x8b");
}

TEST_F(SimulateFileTest, LabelledRequestsOfAllScenesAreOneFile) {
  const ProgramResult result = RunProgram({POLYSCENE_PROGRAM, "simulate", "--requests", "6", "--candidates", "5",
                                           "--labels", "--truth", "--out", Path("requests.csv"), "--json"});
  EXPECT_EQ(result.exit_status, 0) << result.error;
  EXPECT_EQ(nlohmann::json::parse(result.out)["rows"], 30);
  const std::string text = ReadFile(Path("requests.csv"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 31);
  for (const char* part : {",click,", ",demand_7,", ",p_churn\n", ",recommendation,", ",search,", ",behaviour,"}) {
    EXPECT_THAT(text, ::testing::HasSubstr(part));
  }
  EXPECT_EQ(RunProgram({POLYSCENE_PROGRAM, "simulate", "--labels", "--out", Path("x.csv")}).exit_status, 2);
}

TEST_F(SimulateFileTest, OnlyAWholeFileHasItsName) {
  EXPECT_EQ(Simulate(Path("events.csv"), "1").exit_status, 0);
  std::ofstream(Path("events.csv")) << "what was there before";
  // A disk that is full from the start on.
  const ProgramResult result = RunProgram({"/bin/sh", "-c",
                                           std::string("ulimit -f 1; trap '' XFSZ; exec ") + POLYSCENE_PROGRAM +
                                               " simulate --rows 100000 --out " + Path("events.csv")});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.error, ::testing::HasSubstr("File too large"));
  EXPECT_EQ(ReadFile(Path("events.csv")), "what was there before");
  EXPECT_EQ(ReadFile(Path("events.csv.partial")), "") << "nothing is left behind";
}

TEST_F(SimulateFileTest, AnInterruptLeavesNothing) {
  // Far more rows than are written before the signal; `timeout` tells 124 where it had to send it.
  const ProgramResult result = RunProgram({"/usr/bin/timeout", "-s", "INT", "3", POLYSCENE_PROGRAM, "simulate",
                                           "--rows", "1000000000", "--out", Path("big.csv")});
  EXPECT_EQ(result.exit_status, 124);
  EXPECT_THAT(result.error, ::testing::HasSubstr("interrupted: '" + Path("big.csv") + "' is not written"));
  EXPECT_FALSE(std::filesystem::exists(Path("big.csv")));
  EXPECT_FALSE(std::filesystem::exists(Path("big.csv.partial")));
}

TEST_F(SimulateFileTest, WhatIsNoFileIsWrittenAsItIs) { EXPECT_EQ(Simulate("/dev/null", "1").exit_status, 0); }

TEST_F(SimulateFileTest, WrongUseIsExitStatus2AndFailureIs1) {
  EXPECT_EQ(RunProgram({POLYSCENE_PROGRAM, "simulate"}).exit_status, 2);
  const ProgramResult result = Simulate(Path("no/such/folder.csv"), "1");
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.error, ::testing::HasSubstr("no/such/folder.csv"));
}

}  // namespace
}  // namespace polyscene
