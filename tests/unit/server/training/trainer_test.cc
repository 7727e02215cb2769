#include "server/training/trainer.h"

#include <sched.h>
#include <sys/resource.h>

#include <thread>

#include "tests/unit/server/training/training_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// On the real clock, with intervals so short that nothing is waited for.
class TrainerTest : public TrainingTest {
 protected:
  TrainerTest() {
    options_.step_wait = absl::Milliseconds(1);
    options_.publish_interval = absl::Milliseconds(1);
  }

  void Start() {
    absl::StatusOr<LoadedLearner> learner = Recover();
    ASSERT_TRUE(learner.ok()) << learner.status();
    TrainerParts parts = Parts();
    parts.clock = &system_clock_;
    parts.steady_clock = steady_clock_;
    absl::StatusOr<std::unique_ptr<Trainer>> trainer = Trainer::Start(parts, *std::move(learner), options_);
    ASSERT_TRUE(trainer.ok()) << trainer.status();
    trainer_ = *std::move(trainer);
  }

  // Of a trainer that learns four rows beside requests that never end.
  double StoodBackSeconds(int requests, int processors) {
    const SteadyClock steady_clock;
    steady_clock_ = &steady_clock;
    options_.processors = processors;
    for (int request = 0; request < requests; ++request) metrics_->ScoringBegan();
    Start();
    Log(0, 4);
    WaitUntilServed(4);
    trainer_.reset();  // It reads the clock.
    return metrics_->trainer_stood_back_seconds();
  }

  LearningPositions WaitUntilServed(uint64_t offset) {
    LearningPositions positions = trainer_->Positions();
    while (positions.served_offset < offset && trainer_->health().ok()) {
      positions = trainer_->WaitForChange(positions, absl::Seconds(10));
    }
    return positions;
  }

  void WaitUntilEnded() {
    const LearningPositions seen = {.learned_offset = ~uint64_t{0}, .served_offset = ~uint64_t{0}};
    while (trainer_->health().ok()) trainer_->WaitForChange(seen, absl::Seconds(10));
  }

  SystemClock system_clock_;
  const Clock* steady_clock_ = &clock_;  // No time passes for the pace.
  std::unique_ptr<Trainer> trainer_;
};

TEST_F(TrainerTest, TheFirstSnapshotIsServedWhenItHasStarted) {
  Start();
  EXPECT_EQ(snapshots_->Current()->info().version, 1);
  EXPECT_NE(trainer_->Report(), nullptr);
  EXPECT_TRUE(trainer_->health().ok());
}

TEST_F(TrainerTest, WhatIsLoggedIsLearnedAndServed) {
  Start();
  for (int i = 0; i < 20; ++i) Log(5 * i, 5);
  const LearningPositions positions = WaitUntilServed(100);
  EXPECT_EQ(positions.learned_offset, 100);
  EXPECT_EQ(positions.rows_learned, 100);
  EXPECT_EQ(ServedItems(), Items(0, 100));
  EXPECT_EQ(trainer_->Report()->recent[0].rows, 100);
}

TEST_F(TrainerTest, AWaitForAChangeEndsWithItsTimeout) {
  Start();
  const LearningPositions seen = trainer_->Positions();
  EXPECT_EQ(trainer_->WaitForChange(seen, absl::Milliseconds(1)).learned_offset, seen.learned_offset);
}

TEST_F(TrainerTest, AStepInProgressHoldsUpNobodyWhoReads) {
  script_.HoldSteps();
  Start();
  Log(0, 4);
  script_.WaitUntilHeld();
  EXPECT_EQ(trainer_->Positions().learned_offset, 0);
  EXPECT_EQ(snapshots_->Current()->info().version, 1);
  EXPECT_NE(trainer_->Report(), nullptr);
  script_.ReleaseSteps();
  EXPECT_EQ(WaitUntilServed(4).learned_offset, 4);
}

TEST_F(TrainerTest, SaveCheckpointFinishesTheStepAndIsDurable) {
  script_.HoldSteps();
  Start();
  Log(0, 4);
  script_.WaitUntilHeld();
  absl::StatusOr<SavedCheckpoint> saved = absl::UnknownError("not answered");
  std::thread operator_thread([&] { saved = trainer_->SaveCheckpoint(); });
  script_.ReleaseSteps();
  operator_thread.join();
  ASSERT_TRUE(saved.ok()) << saved.status();
  EXPECT_TRUE(std::filesystem::exists(FakeCheckpointFile(saved->directory)));
  EXPECT_EQ(trainer_->Positions().checkpoint_offset, saved->learned_offset);
}

TEST_F(TrainerTest, SaveCheckpointWakesATrainerAtRest) {
  Start();
  EXPECT_EQ(trainer_->SaveCheckpoint()->learned_offset, 0);
}

TEST_F(TrainerTest, StepsGoOnWhileACheckpointIsWrittenAndItsCallerWaits) {
  options_.niceness = 7;
  script_.HoldCheckpoints();
  Start();
  Log(0, 4);
  WaitUntilServed(4);
  absl::StatusOr<SavedCheckpoint> saved = absl::UnknownError("not answered");
  std::thread operator_thread([&] { saved = trainer_->SaveCheckpoint(); });
  script_.WaitUntilCheckpointHeld();
  for (int i = 1; i < 4; ++i) Log(4 * i, 4);
  EXPECT_EQ(WaitUntilServed(16).checkpoint_offset, 0);
  script_.ReleaseCheckpoints();
  operator_thread.join();
  ASSERT_TRUE(saved.ok()) << saved.status();
  EXPECT_EQ(saved->learned_offset, 4);
  EXPECT_EQ(script_.checkpoint_niceness(), script_.step_niceness());
}

TEST_F(TrainerTest, ASaveWhilePausedIsAnsweredOnceItIsWritten) {
  Start();
  Log(0, 4);
  WaitUntilServed(4);
  ASSERT_TRUE(trainer_->Pause().ok());
  script_.HoldCheckpoints();
  absl::StatusOr<SavedCheckpoint> saved = absl::UnknownError("not answered");
  std::thread operator_thread([&] { saved = trainer_->SaveCheckpoint(); });
  script_.WaitUntilCheckpointHeld();
  script_.ReleaseCheckpoints();
  operator_thread.join();
  EXPECT_TRUE(saved.ok()) << saved.status();
}

TEST_F(TrainerTest, StopWaitsForTheCheckpointThatIsBeingWritten) {
  script_.HoldCheckpoints();
  Start();
  Log(0, 4);
  WaitUntilServed(4);
  std::thread operator_thread([&] { trainer_->SaveCheckpoint().status().IgnoreError(); });
  script_.WaitUntilCheckpointHeld();
  Log(4, 4);
  WaitUntilServed(8);
  std::thread releaser([this] { script_.ReleaseCheckpoints(); });
  trainer_->Stop();
  releaser.join();
  operator_thread.join();
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(4, 8));
  EXPECT_EQ(trainer_->Positions().checkpoint_offset, 8);
}

TEST_F(TrainerTest, StopFinishesTheStepPublishesAndCheckpoints) {
  options_.publish_interval = absl::Hours(1);
  script_.HoldSteps();
  Start();
  Log(0, 4);
  script_.WaitUntilHeld();
  std::thread releaser([this] { script_.ReleaseSteps(); });
  trainer_->Stop();
  releaser.join();
  EXPECT_THAT(ServedItems(), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(4));
  EXPECT_EQ(trainer_->Positions().checkpoint_offset, 4);
  EXPECT_TRUE(trainer_->health().ok());
}

TEST_F(TrainerTest, AStopWithoutNewsWritesNoCheckpoint) {
  Start();
  trainer_->Stop();
  EXPECT_THAT(script_.checkpoint_offsets(), IsEmpty());
}

TEST_F(TrainerTest, AfterAStopNothingBlocks) {
  Start();
  trainer_->Stop();
  EXPECT_EQ(trainer_->SaveCheckpoint().status().code(), absl::StatusCode::kUnavailable);
  trainer_->WaitForChange(trainer_->Positions(), absl::InfiniteDuration());
}

TEST_F(TrainerTest, AFailingStepStopsTheTrainerAndItsWeightsStayServed) {
  Start();
  Log(0, 4);
  WaitUntilServed(4);
  script_.FailSteps(absl::InternalError("loss is not finite"));
  Log(4, 4);
  WaitUntilEnded();
  EXPECT_EQ(trainer_->health().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(trainer_->health().message()), HasSubstr("loss is not finite"));
  EXPECT_EQ(Metric("polyscene_trainer_healthy"), 0);
  EXPECT_THAT(ServedItems(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(trainer_->SaveCheckpoint().status().code(), absl::StatusCode::kUnavailable);
  trainer_->WaitForChange(trainer_->Positions(), absl::InfiniteDuration());
}

TEST_F(TrainerTest, WhatWasLearnedBeforeAFailureIsStillPublished) {
  options_.publish_interval = absl::Hours(1);
  script_.HoldSteps();
  Start();
  Log(0, 4);
  script_.WaitUntilHeld();
  Log(4, 4);
  script_.FailStepsAfter(1, absl::InternalError("loss is not finite"));
  script_.ReleaseSteps();
  WaitUntilEnded();
  EXPECT_THAT(ServedItems(), ElementsAre(0, 1, 2, 3));
}

TEST_F(TrainerTest, ARestartGoesOnWhereItStopped) {
  Start();
  Log(0, 4);
  WaitUntilServed(4);
  trainer_.reset();
  Log(4, 4);
  snapshots_ = std::make_unique<SnapshotStore>();
  Start();
  WaitUntilServed(8);
  EXPECT_EQ(ServedItems(), Items(0, 8));
  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5, 6, 7)));
}

TEST_F(TrainerTest, APauseFinishesTheStepAndPublishesIt) {
  options_.publish_interval = absl::Hours(1);
  script_.HoldSteps();
  Start();
  Log(0, 4);
  script_.WaitUntilHeld();
  EXPECT_FALSE(trainer_->paused());
  absl::StatusOr<uint64_t> offset = absl::UnknownError("not answered");
  std::thread operator_thread([&] { offset = trainer_->Pause(); });
  script_.ReleaseSteps();
  operator_thread.join();
  ASSERT_TRUE(offset.ok()) << offset.status();
  EXPECT_EQ(*offset, 4);
  EXPECT_TRUE(trainer_->paused());
  EXPECT_THAT(ServedItems(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(Metric("polyscene_learning_paused"), 1);
}

TEST_F(TrainerTest, WhilePausedNothingIsLearnedUntilItIsResumed) {
  Start();
  ASSERT_TRUE(trainer_->Pause().ok());
  Log(0, 4);
  EXPECT_EQ(trainer_->SaveCheckpoint()->learned_offset, 0);  // The trainer is awake, and does this alone.
  EXPECT_THAT(script_.steps(), IsEmpty());
  EXPECT_EQ(*trainer_->Resume(), 0);
  EXPECT_FALSE(trainer_->paused());
  EXPECT_EQ(WaitUntilServed(4).learned_offset, 4);
  EXPECT_EQ(Metric("polyscene_learning_paused"), 0);
}

TEST_F(TrainerTest, APausedTrainerStopsAndWritesWhatItHadLearned) {
  Start();
  Log(0, 4);
  WaitUntilServed(4);
  ASSERT_TRUE(trainer_->Pause().ok());
  Log(4, 4);
  trainer_->Stop();
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(4));
  EXPECT_EQ(trainer_->Pause().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(trainer_->Resume().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(TrainerTest, PausedAndResumedInAnyOrderItComesOutAsLastAsked) {
  Start();
  for (int turn = 0; turn < 1000; ++turn) {
    ASSERT_TRUE(trainer_->Pause().ok());
    ASSERT_TRUE(trainer_->Resume().ok());
  }
  Log(0, 4);
  EXPECT_EQ(WaitUntilServed(4).learned_offset, 4);
}

// Requests are slow while steps of 100 ms are taken, by a clock that stands still otherwise: so it rests, until the
// test lets time pass.
class RestingTrainerTest : public TrainerTest {
 protected:
  RestingTrainerTest() {
    script_.DuringSteps([this] {
      for (int i = 0; i < 100; ++i) metrics_->Predicted(0, absl::StatusCode::kOk, 1, absl::Seconds(1));
      clock_.Advance(absl::Milliseconds(100));
    });
  }
  ~RestingTrainerTest() override { trainer_.reset(); }

  // Ten steps wait, and the first one is learned and served.
  void StartAndRest() {
    for (int i = 0; i < 10; ++i) Log(4 * i, 4);
    Start();
    WaitUntilServed(4);
  }

  // More than once: what passes while the trainer takes a turn is no rest.
  void LetTimePassUntilServed(uint64_t offset, absl::Duration at_once = absl::Milliseconds(100)) {
    LearningPositions positions = trainer_->Positions();
    while (positions.served_offset < offset && trainer_->health().ok()) {
      clock_.Advance(at_once);
      positions = trainer_->WaitForChange(positions, absl::Milliseconds(10));
    }
  }
};

TEST_F(RestingTrainerTest, WhatIsLearnedIsServedAtOnceAndTheNextStepHasToWait) {
  StartAndRest();
  EXPECT_EQ(trainer_->SaveCheckpoint()->learned_offset, 4);  // It is awake, and does this alone.
  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(0, 1, 2, 3)));
  EXPECT_EQ(metrics_->trainer_share(), 0.5);
  LetTimePassUntilServed(8);
  EXPECT_EQ(script_.steps()[1], Items(4, 4));
}

TEST_F(RestingTrainerTest, ARestEndsWithAPause) {
  StartAndRest();
  EXPECT_EQ(*trainer_->Pause(), 4);
  EXPECT_EQ(*trainer_->Resume(), 4);
}

TEST_F(RestingTrainerTest, ARestEndsWithAStop) {
  StartAndRest();
  trainer_->Stop();
  EXPECT_TRUE(trainer_->saved().ok());
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(4));
}

TEST_F(RestingTrainerTest, WithoutTrafficItCatchesUpAndTheStepsAreThoseOfATrainerThatNeverRests) {
  StartAndRest();
  script_.DuringSteps(nullptr);
  LetTimePassUntilServed(40, absl::Seconds(1));
  EXPECT_EQ(metrics_->trainer_share(), 1);
  ASSERT_EQ(script_.steps().size(), 10);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(script_.steps()[i], Items(4 * i, 4));
}

TEST_F(TrainerTest, BetweenPiecesOfAStepItStandsBackFromMoreRequestsThanProcessors) {
  EXPECT_GT(StoodBackSeconds(/*requests=*/3, /*processors=*/2), 0);
}

TEST_F(TrainerTest, ItLearnsBesideAsManyRequestsAsProcessors) {
  EXPECT_EQ(StoodBackSeconds(/*requests=*/2, /*processors=*/2), 0);
}

TEST_F(TrainerTest, OnlyTheTrainersThreadIsNice) {
  options_.niceness = 7;
  const int before = ::getpriority(PRIO_PROCESS, 0);
  Start();
  Log(0, 4);
  WaitUntilServed(4);
  EXPECT_EQ(script_.step_niceness(), 7);
  EXPECT_EQ(script_.step_policy(), SCHED_OTHER);
  EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), before);
}

TEST_F(TrainerTest, TheNicestRunsWhereNobodyElseDoes) {
  options_.niceness = 19;
  Start();
  Log(0, 4);
  WaitUntilServed(4);
  EXPECT_EQ(script_.step_policy(), SCHED_IDLE);
  EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
}

}  // namespace
}  // namespace polyscene
