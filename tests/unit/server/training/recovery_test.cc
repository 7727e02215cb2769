// What is learned over the ends and crashes of processes.
#include <algorithm>
#include <functional>

#include "tests/unit/server/training/training_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RecoveryTest : public TrainingLoopTest {
 protected:
  void Break(uint64_t offset) {
    const CheckpointFolder folder(options_.checkpoint_directory);
    std::filesystem::resize_file(FakeCheckpointFile(folder.PathOf(offset)), 3);
  }

  // Learns 0 ... 7 in two steps with a checkpoint after each.
  void LearnWithTwoCheckpoints() {
    Start();
    for (const int64_t first : {0, 4}) {
      Log(first, 4);
      RunUntilRest();
      ASSERT_TRUE(loop_->Save().ok());
    }
  }
};

TEST_F(RecoveryTest, ARestartFromACheckpointLearnsTheRestOnce) {
  Start();
  Log(0, 4);
  RunUntilRest();
  ASSERT_TRUE(loop_->Save().ok());
  Log(4, 4);

  Start();
  EXPECT_THAT(ServedItems(), ElementsAre(0, 1, 2, 3));
  RunUntilRest();
  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5, 6, 7)));
  EXPECT_EQ(loop_->positions().rows_learned, 8);
  EXPECT_EQ(loop_->positions().step, 2);
}

TEST_F(RecoveryTest, AKillBetweenStepAndCheckpointReplaysTheSameSteps) {
  Start();
  Log(0, 3);
  RunUntilRest();
  RunAfter(absl::Seconds(1));  // A short step, which only the journal knows.
  Log(3, 4);
  RunUntilRest();
  const std::vector<std::vector<int64_t>> learned = script_.steps();
  ASSERT_THAT(learned, ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3, 4, 5, 6)));

  Start();  // Without a checkpoint: from the beginning.
  RunUntilRest();
  const std::vector<std::vector<int64_t>> all = script_.steps();
  ASSERT_EQ(all.size(), 4);
  EXPECT_THAT(std::vector<std::vector<int64_t>>(all.begin() + 2, all.end()), ElementsAreArray(learned));
  EXPECT_EQ(loop_->positions().rows_learned, 7);
}

TEST_F(RecoveryTest, AStepThatWasJournaledButNotLearnedIsLearned) {
  Start();
  Log(0, 2);
  script_.FailSteps(absl::InternalError("killed here"));
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(loop_->Turn().ok());  // Reads them.
  clock_.Advance(absl::Seconds(1));
  ASSERT_FALSE(loop_->Turn().ok());
  script_.FailSteps(absl::OkStatus());
  Log(2, 2);

  Start();
  RunUntilRest();
  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(0, 1)));
  RunAfter(absl::Seconds(1));
  EXPECT_THAT(script_.steps(), ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3)));
}

TEST_F(RecoveryTest, AReplayIsNoFreshNews) {
  Start();
  Log(0, 4);
  RunUntilRest();
  Start();
  RunAfter(absl::Hours(10));
  EXPECT_THAT(ServedItems(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(Metric("polyscene_freshness_seconds_count"), 0);
  EXPECT_EQ(Metric("polyscene_events_learned_total{scene=\"shop\"}"), 4);
}

TEST_F(RecoveryTest, VersionsOnlyGrow) {
  for (int restart = 0; restart < 3; ++restart) {
    Start();
    Log(4 * restart, 4);
    RunAfter(absl::Seconds(1));
  }
  const std::vector<uint64_t> versions = script_.snapshot_versions();
  ASSERT_EQ(versions.size(), 6);
  EXPECT_TRUE(std::is_sorted(versions.begin(), versions.end(), std::less_equal<>()));
}

TEST_F(RecoveryTest, ACorruptNewestCheckpointFallsBackToTheOneBefore) {
  LearnWithTwoCheckpoints();
  Break(8);
  Start();
  EXPECT_THAT(ServedItems(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(Metric("polyscene_checkpoint_corrupt_total"), 1);
  RunUntilRest();
  EXPECT_EQ(loop_->positions().rows_learned, 8);
  EXPECT_TRUE(loop_->Save().ok());  // Under the name the corrupt one had.
  EXPECT_THAT(*CheckpointFolder(options_.checkpoint_directory).Offsets(), ElementsAre(4, 8));
}

TEST_F(RecoveryTest, WithoutAnyCheckpointThatLoadsAllIsLearnedAgain) {
  LearnWithTwoCheckpoints();
  Break(4);
  Break(8);
  Start();
  EXPECT_THAT(ServedItems(), IsEmpty());
  RunUntilRest();
  EXPECT_EQ(loop_->positions().rows_learned, 8);
}

TEST_F(RecoveryTest, ACheckpointUnderAnotherNameIsNotTrusted) {
  LearnWithTwoCheckpoints();
  const CheckpointFolder folder(options_.checkpoint_directory);
  std::filesystem::rename(folder.PathOf(8), folder.PathOf(7));
  absl::StatusOr<LoadedLearner> learner = Recover();
  ASSERT_TRUE(learner.ok()) << learner.status();
  EXPECT_EQ(learner->log_offset, 4);
}

TEST_F(RecoveryTest, ACheckpointOfAnotherModelIsAnError) {
  LearnWithTwoCheckpoints();
  LearnerFunctions functions = FakeLearnerFunctions(script_);
  functions.load = [](const std::filesystem::path&) { return absl::FailedPreconditionError("fingerprint"); };
  EXPECT_EQ(RecoverLearner(options_.checkpoint_directory, functions, *metrics_).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(*CheckpointFolder(options_.checkpoint_directory).Offsets(), ElementsAre(4, 8));
}

TEST_F(RecoveryTest, ALogThatLostWhatTheCheckpointNeedsIsDataLoss) {
  LearnWithTwoCheckpoints();
  loop_.reset();
  log_.reset();
  std::filesystem::remove_all(directory_.path() / "log");
  OpenLog();
  absl::StatusOr<LoadedLearner> learner = Recover();
  ASSERT_TRUE(learner.ok()) << learner.status();
  const absl::Status status = TrainingLoop::Create(Parts(), *std::move(learner), options_, [] {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot go on from offset 8"));
}

}  // namespace
}  // namespace polyscene
