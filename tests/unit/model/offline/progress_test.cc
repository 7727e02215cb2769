#include "model/offline/progress.h"

#include <gmock/gmock.h>

#include <sstream>

namespace polyscene {
namespace {

using ::testing::HasSubstr;

TEST(ProgressTest, LinesTellShareRateAndTimeLeft) {
  std::ostringstream out;
  Progress progress({.line_interval = absl::Seconds(3)}, out);
  const absl::Time start = absl::FromUnixSeconds(1000);
  progress.StartClock(start);
  progress.Begin("epoch 1/2");
  progress.Update(0, 0.0, start);
  progress.Update(1000, 0.1, start + absl::Seconds(2));
  EXPECT_EQ(out.str(), "") << "not before the interval is over";
  progress.Update(20'000, 0.25, start + absl::Seconds(10));
  EXPECT_EQ(out.str(), "epoch 1/2  25 %  20,000 rows  2,000 rows/s  ETA 30 s\n");
}

TEST(ProgressTest, OnATerminalABarIsDrawnOverItself) {
  std::ostringstream out;
  Progress progress({.terminal = true}, out);
  const absl::Time start = absl::FromUnixSeconds(1000);
  progress.StartClock(start);
  progress.Begin("epoch 1/2");
  progress.Update(0, 0.0, start);
  progress.Update(100, 0.5, start + absl::Seconds(1));
  EXPECT_THAT(out.str(), HasSubstr("\r[############............] epoch 1/2  50 %"));
  EXPECT_EQ(out.str().find('\n'), std::string::npos);
  progress.Message("a line");
  EXPECT_THAT(out.str(), testing::EndsWith(" \ra line\n"));
}

}  // namespace
}  // namespace polyscene
