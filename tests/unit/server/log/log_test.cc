#include "server/log/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace polyscene {
namespace {

using ::testing::MatchesRegex;

constexpr char kTime[] = "[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+[.][0-9]+Z ";

TEST(Log, EveryLineSaysWhenAndHowBad) {
  testing::internal::CaptureStderr();
  LogInfo("serving");
  LogWarning("slow disk");
  LogError("disk full");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              MatchesRegex(std::string(kTime) + "INFO serving\n" + kTime + "WARNING slow disk\n" + kTime +
                           "ERROR disk full\n"));
}

TEST(Log, AMessageStaysOneLine) {
  testing::internal::CaptureStderr();
  LogError("first\nsecond");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), MatchesRegex(std::string(kTime) + "ERROR first second\n"));
}

TEST(Log, LinesOfDifferentThreadsDoNotMix) {
  const auto write = [](const std::string& message) {
    for (int i = 0; i < 100; ++i) LogInfo(message);
  };
  testing::internal::CaptureStderr();
  std::thread other(write, std::string(100, 'a'));
  write(std::string(100, 'b'));
  other.join();

  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find("ab"), std::string::npos);
  EXPECT_EQ(text.find("ba"), std::string::npos);
}

}  // namespace
}  // namespace polyscene
