#include "server/training/trainer_pace.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_clock.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(10);

class TrainerPaceTest : public testing::Test {
 protected:
  // Requests as many as a window needs: above the model file's default target of 10 ms, or below it.
  void Requests(absl::Duration took) {
    for (int i = 0; i < 500; ++i) metrics_.Predicted(0, absl::StatusCode::kOk, 1, took);
  }
  void SlowRequests() { Requests(absl::Milliseconds(50)); }
  void FastRequests() { Requests(absl::Milliseconds(1)); }

  // Takes a step of that length as soon as the pace lets it, and returns how long it had to rest before.
  absl::Duration Step(absl::Duration length) {
    const absl::Time begin = clock_.Now();
    for (absl::Duration owed = pace_.BeginTurn(); owed > absl::ZeroDuration(); owed = pace_.BeginTurn()) {
      pace_.EndTurn();
      clock_.Advance(owed);
    }
    const absl::Duration rested = clock_.Now() - begin;
    clock_.Advance(length);
    pace_.EndTurn();
    return rested;
  }

  // Down to `share`, which is a half, a quarter, ... or the floor, with nothing left to be rested.
  void GoTo(double share) {
    while (pace_.share() > share) {
      SlowRequests();
      clock_.Advance(absl::Milliseconds(100));
      pace_.BeginTurn();
      pace_.EndTurn();
    }
  }

  FakeClock clock_;
  Metrics metrics_{TinyModel()};
  TrainerPace pace_{metrics_, clock_};
};

TEST_F(TrainerPaceTest, WhileLatencyIsWellTheTrainerNeverRests) {
  for (int step = 0; step < 100; ++step) {
    if (step % 10 == 0) FastRequests();
    EXPECT_EQ(Step(kStep), absl::ZeroDuration());
  }
  EXPECT_EQ(pace_.share(), 1);
}

TEST_F(TrainerPaceTest, AfterAStepItRestsAsItsShareSays) {
  GoTo(0.5);
  EXPECT_EQ(Step(kStep), absl::ZeroDuration());
  EXPECT_EQ(Step(kStep), kStep);
  EXPECT_EQ(Step(2 * kStep), kStep);
  EXPECT_EQ(Step(kStep), 2 * kStep);
}

TEST_F(TrainerPaceTest, AQuarterIsThreeTimesAsMuchRestAsWork) {
  GoTo(0.25);
  Step(kStep);
  EXPECT_EQ(Step(kStep), 3 * kStep);
}

TEST_F(TrainerPaceTest, TheFloorIsAFiftieth) {
  GoTo(ShareGovernor::kFloor);
  Step(kStep);
  EXPECT_NEAR(absl::ToDoubleMilliseconds(Step(kStep)), 490, 1e-3);
}

TEST_F(TrainerPaceTest, WaitingForRowsIsRest) {
  GoTo(0.5);
  Step(kStep);
  clock_.Advance(kStep / 2);
  EXPECT_EQ(Step(kStep), kStep / 2);
  clock_.Advance(absl::Seconds(0.5));
  EXPECT_EQ(Step(kStep), absl::ZeroDuration());
  EXPECT_EQ(Step(kStep), kStep);  // Rest is not saved up.
}

TEST_F(TrainerPaceTest, APublishInARestIsWorkToBeMadeGoodFor) {
  GoTo(0.5);
  Step(kStep);
  EXPECT_EQ(pace_.BeginTurn(), kStep);
  clock_.Advance(kStep / 2);
  pace_.EndTurn();
  EXPECT_EQ(Step(kStep), kStep * 1.5);
}

TEST_F(TrainerPaceTest, ALongRestIsLookedAtOftenAndEndsOnceThereIsNoTraffic) {
  GoTo(ShareGovernor::kFloor);
  Step(kStep * 10);
  EXPECT_EQ(pace_.BeginTurn(), absl::Milliseconds(100));
  pace_.EndTurn();
  EXPECT_LE(Step(kStep), absl::Seconds(1));
  EXPECT_EQ(pace_.share(), 1);
}

TEST_F(TrainerPaceTest, ARestGetsShorterWhileItLastsWhereLatencyIsWell) {
  GoTo(ShareGovernor::kFloor);
  Step(kStep);
  FastRequests();
  EXPECT_LT(Step(kStep), absl::Milliseconds(300));  // Instead of 490.
}

TEST_F(TrainerPaceTest, AMachineThatStoodStillInAStepDoesNotStopLearningForLong) {
  GoTo(ShareGovernor::kFloor);
  Step(absl::Hours(1));
  SlowRequests();
  absl::Duration rested;
  for (absl::Duration owed = pace_.BeginTurn(); owed > absl::ZeroDuration(); owed = pace_.BeginTurn()) {
    pace_.EndTurn();
    SlowRequests();  // There is no other reason to go on.
    clock_.Advance(owed);
    rested += owed;
  }
  EXPECT_EQ(rested, absl::Seconds(10));
}

TEST_F(TrainerPaceTest, APauseIsNoReasonToGiveMore) {
  GoTo(0.25);
  Step(absl::Milliseconds(100));
  pace_.BeginTurn();
  pace_.EndTurn();
  FastRequests();
  clock_.Advance(absl::Minutes(1));  // Meanwhile nobody asks the pace.
  EXPECT_EQ(Step(kStep), absl::ZeroDuration());
  EXPECT_EQ(pace_.share(), 0.25);
}

TEST_F(TrainerPaceTest, TheShareAndTheLatencyItWasMadeOfAreExported) {
  SlowRequests();
  clock_.Advance(absl::Milliseconds(100));
  Step(kStep);
  EXPECT_EQ(metrics_.trainer_share(), 0.5);
  const std::string text = metrics_.Text();
  const std::string name = "\npolyscene_trainer_seen_p99_seconds ";
  ASSERT_NE(text.find(name), std::string::npos);
  EXPECT_NEAR(std::stod(text.substr(text.find(name) + name.size())), 0.05, 0.005);
}

}  // namespace
}  // namespace polyscene
