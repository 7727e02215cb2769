// The proof in its short form. The long one: soak.sh.
#include <gtest/gtest.h>

#include "tests/faults/crash_run.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

TEST(CrashTest, AfterEveryCrashNothingIsLostNothingLearnedTwiceAndTheWeightsAreThoseOfAnUninterruptedRun) {
  const TempDirectory directory;
  CrashRunOptions options;
  options.server_program = POLYSCENE_SERVER_PROGRAM;
  options.train_program = POLYSCENE_TRAIN_PROGRAM;
  options.directory = directory.path() / "run";
  options.seed = 20;
  options.kills = 25;
  CrashReport report;
  const absl::Status status = RunCrashes(options, &report);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(report.kills, options.kills);
  EXPECT_GT(report.rows, 1000);
  EXPECT_GT(report.answers, 100);
  EXPECT_GE(report.reached.size(), 8);  // Fault points, beside the random moments.
}

}  // namespace
}  // namespace polyscene
