#include "server/training/trainer_pace.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(10);
constexpr int kProcessors = 2;

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
  TrainerPace pace_{metrics_, clock_, kProcessors};
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

// Each look at it takes as long as the trainer sleeps between two looks at the requests.
class LookedAtClock : public Clock {
 public:
  explicit LookedAtClock(Metrics& metrics) : metrics_(metrics) {}
  absl::Time Now() const override {
    if (++looks_ == request_ends_at_) metrics_.ScoringEnded();
    return absl::UnixEpoch() + kLook * looks_;
  }
  void Pass(int looks) { looks_ += looks; }
  void EndARequestAfter(int looks) { request_ends_at_ = looks_ + looks; }

  static constexpr absl::Duration kLook = absl::Microseconds(50);

 private:
  Metrics& metrics_;
  mutable int64_t looks_ = 0;
  int64_t request_ends_at_ = -1;
};

class StandingBackTest : public testing::Test {
 protected:
  void Requests(int count) {
    for (int i = 0; i < count; ++i) metrics_.ScoringBegan();
  }

  Metrics metrics_{TinyModel()};
  LookedAtClock clock_{metrics_};
  TrainerPace pace_{metrics_, clock_, kProcessors};
};

TEST_F(StandingBackTest, WhereEachRequestHasAProcessorTheTrainerGoesOn) {
  Requests(kProcessors);
  pace_.BeginTurn();
  pace_.StandBack();
  pace_.EndTurn();
  EXPECT_EQ(metrics_.trainer_stood_back_seconds(), 0);
}

TEST_F(StandingBackTest, ItEndsWithTheRequestThatIsOneTooMany) {
  Requests(kProcessors + 1);
  pace_.BeginTurn();
  clock_.Pass(1000);
  clock_.EndARequestAfter(101);  // The first look tells when it begins.
  pace_.StandBack();
  pace_.EndTurn();
  EXPECT_NEAR(metrics_.trainer_stood_back_seconds(), 100 * 50e-6, 1e-9);
}

TEST_F(StandingBackTest, RequestsThatNeverEndLeaveLearningItsFloor) {
  Requests(kProcessors + 1);
  pace_.BeginTurn();
  clock_.Pass(9);
  for (int piece = 0; piece < 5; ++piece) pace_.StandBack();  // All but the first have little left.
  pace_.EndTurn();
  // 10 looks of work by the first time, and one for each look that finds nothing left; 49 times as much standing back.
  EXPECT_GE(metrics_.trainer_stood_back_seconds(), 49 * 10 * 50e-6 - 1e-9);
  EXPECT_LE(metrics_.trainer_stood_back_seconds(), 49 * 15 * 50e-6 + 1e-9);
}

TEST_F(StandingBackTest, NoTurnStandsBackForLongerThanASecond) {
  Requests(kProcessors + 1);
  pace_.BeginTurn();
  clock_.Pass(100'000);
  pace_.StandBack();
  pace_.EndTurn();
  EXPECT_NEAR(metrics_.trainer_stood_back_seconds(), 1, 1e-3);
}

TEST_F(StandingBackTest, IsRestAndNotWorkToBeMadeGoodFor) {
  while (pace_.share() > 0.5) {  // Halved once.
    for (int i = 0; i < 500; ++i) metrics_.Predicted(0, absl::StatusCode::kOk, 1, absl::Milliseconds(50));
    clock_.Pass(3000);
    pace_.BeginTurn();
    pace_.EndTurn();
  }
  while (pace_.BeginTurn() > absl::ZeroDuration()) pace_.EndTurn();
  Requests(kProcessors + 1);
  clock_.Pass(10);
  pace_.StandBack();
  pace_.EndTurn();
  EXPECT_EQ(pace_.BeginTurn(), absl::ZeroDuration());  // It has rested more than it worked.
}

}  // namespace
}  // namespace polyscene
