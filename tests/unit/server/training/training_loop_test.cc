#include "server/training/training_loop.h"

#include "tests/unit/server/training/training_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST_F(TrainingLoopTest, FreshWeightsAreServedAtOnce) {
  Start();
  ASSERT_NE(snapshots_->Current(), nullptr);
  EXPECT_EQ(snapshots_->Current()->info().version, 1);
  EXPECT_EQ(RunUntilRest(), absl::InfiniteDuration());
}

TEST_F(TrainingLoopTest, ExactlyTheLoggedRowsAreLearnedInOrder) {
  Log(0, 3);
  Log(3, 7);
  Start();
  RunUntilRest();
  RunAfter(absl::Seconds(1));
  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5, 6, 7), ElementsAre(8, 9)));
  EXPECT_EQ(loop_->positions().learned_offset, 10);
  EXPECT_EQ(loop_->positions().rows_learned, 10);
  EXPECT_EQ(loop_->positions().step, 3);
}

TEST_F(TrainingLoopTest, AStepOfWhichNothingIsLeftIsPassedOver) {
  v1::LogRecord old = EventsRecord("p", ++sequence_, Items(0, 4));
  old.mutable_events()->set_scene("closed");
  ASSERT_TRUE(AppendAndWait(*log_, std::move(old)).ok());
  Log(4, 4);
  Start();
  RunUntilRest();
  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(4, 5, 6, 7)));
  EXPECT_EQ(loop_->positions().learned_offset, 8);
  EXPECT_EQ(loop_->positions().rows_learned, 4);
}

TEST_F(TrainingLoopTest, EveryStepIsJournaledBeforeItIsLearned) {
  Log(0, 4);
  Start();
  script_.FailSteps(absl::InternalError("loss is not finite"));
  EXPECT_FALSE(loop_->Turn().ok());
  EXPECT_EQ(log_->JournaledStepEnd(0), 4);
}

TEST_F(TrainingLoopTest, AnEvaluationIsOpenedInItsPlace) {
  Log(0, 2);
  LogOpening(77);
  Log(2, 4);
  Start();
  RunAfter(absl::Seconds(1));
  EXPECT_THAT(script_.openings(), ElementsAre(Pair("p", 77)));
  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3, 4, 5)));
  EXPECT_EQ(loop_->positions().learned_offset, 7);
  EXPECT_EQ(loop_->positions().rows_learned, 6);
}

TEST_F(TrainingLoopTest, ATrainerThatHasCaughtUpPublishesAtATenthOfTheInterval) {
  Start();
  Log(0, 4);
  EXPECT_EQ(RunUntilRest(), absl::Seconds(1));
  EXPECT_THAT(ServedItems(), IsEmpty());
  EXPECT_EQ(loop_->positions().served_offset, 0);
  RunAfter(absl::Seconds(1));
  EXPECT_THAT(ServedItems(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(loop_->positions().served_offset, 4);
  EXPECT_EQ(snapshots_->Current()->info().version, 2);
}

TEST_F(TrainingLoopTest, ABusyTrainerPublishesOnceAnInterval) {
  Start();
  Log(0, 1000);  // Never caught up below.
  std::vector<uint64_t> versions;
  for (int second = 0; second < 30; ++second) {
    clock_.Advance(absl::Seconds(1));
    ASSERT_TRUE(loop_->Turn().ok());
    versions.push_back(snapshots_->Current()->info().version);
  }
  EXPECT_THAT(std::vector<uint64_t>(versions.begin() + 7, versions.begin() + 11), ElementsAre(1, 1, 2, 2));
  EXPECT_EQ(versions.back(), 4);
}

TEST_F(TrainingLoopTest, AClockThatIsSetBackPutsOffNeitherStepNorPublishNorCheckpoint) {
  Start();
  Log(0, 2);  // Too few for a step.
  ASSERT_TRUE(loop_->Turn().ok());
  clock_.Advance(-absl::Hours(24));
  ASSERT_TRUE(loop_->Turn().ok());
  RunAfter(absl::Seconds(1));
  EXPECT_EQ(loop_->positions().learned_offset, 2);
  RunAfter(absl::Seconds(10));
  EXPECT_THAT(ServedItems(), ElementsAre(0, 1));
  RunAfter(absl::Minutes(1));
  EXPECT_EQ(loop_->positions().checkpoint_offset, 2);
  EXPECT_EQ(metrics_->Text().find("_sum -"), std::string::npos);  // No duration is below zero.
}

TEST_F(TrainingLoopTest, NothingNewIsNotPublished) {
  Start();
  RunAfter(absl::Hours(1));
  EXPECT_THAT(script_.snapshot_versions(), ElementsAre(1));
}

TEST_F(TrainingLoopTest, APublishThatFailsIsCountedAndTriedAgain) {
  Start();
  script_.FailSnapshots(absl::ResourceExhaustedError("device memory"));
  Log(0, 4);
  RunAfter(absl::Seconds(10));
  EXPECT_EQ(snapshots_->Current()->info().version, 1);
  EXPECT_EQ(Metric("polyscene_publish_total{outcome=\"failed\"}"), 1);
  script_.FailSnapshots(absl::OkStatus());
  RunAfter(absl::Seconds(10));
  EXPECT_THAT(ServedItems(), ElementsAre(0, 1, 2, 3));
}

TEST_F(TrainingLoopTest, TheReportIsThatOfTheServedSnapshot) {
  LogOpening(0);
  Start();
  Log(0, 4);
  RunUntilRest();
  EXPECT_EQ(loop_->report()->recent[0].rows, 0);
  RunAfter(absl::Seconds(1));
  EXPECT_EQ(loop_->report()->recent[0].rows, 4);
  EXPECT_EQ(loop_->report()->opened[0].first, "p");
  EXPECT_EQ(loop_->report()->opened[0].second[0].rows, 4);
  EXPECT_EQ(loop_->report()->tables[0].rows, 4);
  EXPECT_EQ(loop_->report()->table_bytes, 256);
}

TEST_F(TrainingLoopTest, CheckpointsFollowTheirIntervalWhileSomethingIsLearned) {
  Start();
  RunAfter(absl::Hours(1));
  EXPECT_THAT(script_.checkpoint_offsets(), IsEmpty());
  Log(0, 4);
  RunUntilRest();
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(4));  // An hour since the last.
  Log(4, 4);
  RunAfter(absl::Seconds(59));
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(4));
  RunAfter(absl::Seconds(1));
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(4, 8));
  EXPECT_EQ(loop_->positions().checkpoint_offset, 8);
  RunAfter(absl::Hours(1));
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(4, 8));
}

TEST_F(TrainingLoopTest, OnlyTheNewestCheckpointsAreKept) {
  Start();
  for (int i = 0; i < 4; ++i) {
    Log(4 * i, 4);
    RunAfter(absl::Minutes(1));
  }
  EXPECT_THAT(*CheckpointFolder(options_.checkpoint_directory).Offsets(), ElementsAre(12, 16));
}

TEST_F(TrainingLoopTest, TheLogLetsGoOfWhatTheOldestCheckpointCovers) {
  retention_bytes_ = 1;
  Start();
  for (int i = 0; i < 3; ++i) {
    Log(4 * i, 4);
    RunAfter(absl::Minutes(1));
  }
  EXPECT_EQ(log_->begin_offset(), 8);  // Checkpoints at 8 and 12 are kept.
}

TEST_F(TrainingLoopTest, ACheckpointThatFailsIsTriedAgainAnIntervalLater) {
  Start();
  script_.FailCheckpoints(absl::ResourceExhaustedError("disk full"));
  Log(0, 4);
  RunAfter(absl::Minutes(1));
  EXPECT_EQ(loop_->positions().checkpoint_offset, 0);
  EXPECT_EQ(loop_->Save().status().code(), absl::StatusCode::kResourceExhausted);
  script_.FailCheckpoints(absl::OkStatus());
  RunAfter(absl::Minutes(1));
  EXPECT_EQ(loop_->positions().checkpoint_offset, 4);
}

TEST_F(TrainingLoopTest, SaveGivesTheSnapshotWithTheSameWeights) {
  Start();
  Log(0, 4);
  RunUntilRest();
  absl::StatusOr<SavedCheckpoint> saved = loop_->Save();
  ASSERT_TRUE(saved.ok()) << saved.status();
  EXPECT_EQ(saved->version, 2);
  EXPECT_EQ(saved->learned_offset, 4);
  EXPECT_THAT(saved->directory, HasSubstr("checkpoints/00000000000000000004"));
  EXPECT_THAT(ServedItems(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(loop_->Save()->directory, saved->directory);
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(4));
}

TEST_F(TrainingLoopTest, LearningGoesOnWhileACheckpointIsWritten) {
  Start();
  script_.HoldCheckpoints();
  Log(0, 4);
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(loop_->Turn().ok());
  script_.WaitUntilCheckpointHeld();
  for (int i = 1; i < 4; ++i) {
    Log(4 * i, 4);
    clock_.Advance(absl::Minutes(1));
    ASSERT_TRUE(loop_->Turn().ok());
  }
  EXPECT_EQ(loop_->positions().learned_offset, 16);
  EXPECT_EQ(loop_->positions().checkpoint_offset, 0);
  script_.ReleaseCheckpoints();
  RunUntilRest();
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(4, 16));
  EXPECT_EQ(loop_->positions().checkpoint_offset, 16);
}

TEST_F(TrainingLoopTest, ASaveWhileACheckpointIsWrittenWaitsForOneThatHoldsAllThatWasLearned) {
  Start();
  script_.HoldCheckpoints();
  Log(0, 4);
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(loop_->Turn().ok());
  script_.WaitUntilCheckpointHeld();
  Log(4, 4);
  ASSERT_TRUE(loop_->Turn().ok());
  std::optional<absl::StatusOr<SavedCheckpoint>> answer;
  loop_->BeginSave([&answer](absl::StatusOr<SavedCheckpoint> saved) { answer = std::move(saved); });
  EXPECT_FALSE(answer.has_value());
  script_.ReleaseCheckpoints();
  EXPECT_TRUE(loop_->AwaitCheckpoint());
  EXPECT_FALSE(answer.has_value());
  EXPECT_TRUE(loop_->AwaitCheckpoint());
  ASSERT_TRUE(answer.has_value());
  ASSERT_TRUE(answer->ok()) << answer->status();
  EXPECT_EQ((*answer)->learned_offset, 8);
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(4, 8));
}

TEST_F(TrainingLoopTest, AnAbortedCheckpointIsWrittenAnewAtOnce) {
  Start();
  script_.FailOneCheckpoint(absl::AbortedError("cannot link"));
  Log(0, 4);
  RunAfter(absl::Minutes(1));
  EXPECT_EQ(loop_->positions().checkpoint_offset, 4);
  EXPECT_EQ(Metric("polyscene_checkpoint_total{outcome=\"failed\"}"), 0);
}

TEST_F(TrainingLoopTest, FreshWeightsCanBeSaved) {
  Start();
  EXPECT_EQ(loop_->Save()->learned_offset, 0);
  EXPECT_THAT(script_.checkpoint_offsets(), ElementsAre(0));
}

TEST_F(TrainingLoopTest, AStepThatFailsIsAnErrorAndChangesNothing) {
  Log(0, 8);
  Start();
  ASSERT_TRUE(loop_->Turn().ok());
  script_.FailSteps(absl::InternalError("loss is not finite"));
  const absl::Status status = loop_->Turn().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("step from offset 4 to 8: loss is not finite"));
  EXPECT_EQ(loop_->positions().learned_offset, 4);
}

TEST_F(TrainingLoopTest, AFullDiskUnderTheJournalIsWaitedFor) {
  Log(0, 4);
  Start();
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  EXPECT_FALSE(AppendAndWait(*log_, EventsRecord("q", 1, {1})).ok());
  absl::StatusOr<TrainingLoop::Rest> rest = loop_->Turn();
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_EQ(rest->longest, absl::Seconds(1));
  EXPECT_FALSE(rest->until_rows);
  EXPECT_THAT(script_.steps(), IsEmpty());

  disk_.Fail(FailingDisk::Failure::kNone);
  RunUntilRest();
  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(0, 1, 2, 3)));
}

TEST_F(TrainingLoopTest, MetricsTellWhatWasLearnedAndHowFresh) {
  Start();
  Log(0, 2);
  clock_.Advance(absl::Seconds(2));
  Log(2, 2);
  RunAfter(absl::Seconds(3));
  EXPECT_EQ(Metric("polyscene_events_learned_total{scene=\"shop\"}"), 4);
  EXPECT_EQ(Metric("polyscene_learned_offset"), 4);
  EXPECT_EQ(Metric("polyscene_log_end_offset"), 4);
  EXPECT_EQ(Metric("polyscene_freshness_seconds_count"), 4);
  EXPECT_EQ(Metric("polyscene_freshness_seconds_sum"), 2 * 5 + 2 * 3);
  EXPECT_EQ(Metric("polyscene_model_version"), 2);
}

TEST_F(TrainingLoopTest, AnIdleTurnPublishesAndCheckpointsWhatIsDueAndLearnsNothing) {
  Start();
  script_.FailSnapshots(absl::ResourceExhaustedError("no memory"));
  Log(0, 4);
  RunAfter(absl::Seconds(1));
  Log(4, 4);
  EXPECT_EQ(loop_->positions().served_offset, 0);
  EXPECT_FALSE(loop_->IdleTurn().until_rows);
  script_.FailSnapshots(absl::OkStatus());
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(loop_->IdleTurn().longest, absl::InfiniteDuration());
  EXPECT_EQ(loop_->positions().served_offset, 4);
  EXPECT_TRUE(loop_->AwaitCheckpoint());
  EXPECT_EQ(loop_->positions().checkpoint_offset, 4);
  EXPECT_EQ(loop_->positions().learned_offset, 4);
}

}  // namespace
}  // namespace polyscene
