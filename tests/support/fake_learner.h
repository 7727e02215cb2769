// A Learner without LibTorch that remembers which rows it learned.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "model/learning/learner.h"
#include "server/sync/mutex.h"
#include "server/training/checkpoint_folder.h"

namespace polyscene {

// What happened to the learners of a test, and what is to happen to them. Any thread may call any method.
class FakeLearnerScript {
 public:
  void FailSteps(absl::Status failure);  // What every later Step() answers; OK: learns again. Likewise below.
  void FailStepsAfter(int steps, absl::Status failure);  // The same once so many more were learned.
  void FailSnapshots(absl::Status failure);
  void FailCheckpoints(absl::Status failure);
  void FailOneCheckpoint(absl::Status failure);  // The next one alone.
  void DuringSteps(std::function<void()> work);  // Called by every later one before it learns; calls nothing here.
  void HoldSteps();                              // Later steps block until ReleaseSteps().
  void ReleaseSteps();
  void WaitUntilHeld();
  void HoldCheckpoints();  // Later writes block until ReleaseCheckpoints().
  void ReleaseCheckpoints();
  void WaitUntilCheckpointHeld();

  std::vector<std::vector<int64_t>> steps() const;  // Items of each step, of all learners.
  std::vector<std::pair<std::string, int64_t>> openings() const;
  std::vector<uint64_t> snapshot_versions() const;
  std::vector<uint64_t> checkpoint_offsets() const;
  std::vector<CheckpointKind> checkpoint_kinds() const;  // What each of them was begun as.
  int step_niceness() const;                             // Of the thread that took the last step.
  int step_policy() const;                               // Its scheduling class.
  int checkpoint_niceness() const;                       // Of the one that wrote the last checkpoint.

 private:
  friend class FakeLearner;
  friend class FakeCheckpointJob;
  absl::Status BeginStep();  // Blocks while held, as the next.
  absl::Status BeginWrite(uint64_t log_offset, CheckpointKind kind);

  mutable Mutex mu_;
  CondVar changed_;
  std::function<void()> during_step_ ABSL_GUARDED_BY(mu_);
  absl::Status step_failure_ ABSL_GUARDED_BY(mu_);
  int steps_before_failure_ ABSL_GUARDED_BY(mu_) = 0;
  int step_niceness_ ABSL_GUARDED_BY(mu_) = 0;
  int step_policy_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status snapshot_failure_ ABSL_GUARDED_BY(mu_);
  absl::Status checkpoint_failure_ ABSL_GUARDED_BY(mu_);
  absl::Status one_checkpoint_failure_ ABSL_GUARDED_BY(mu_);
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  bool holding_checkpoints_ ABSL_GUARDED_BY(mu_) = false;
  bool checkpoint_held_ ABSL_GUARDED_BY(mu_) = false;
  int checkpoint_niceness_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::vector<int64_t>> steps_ ABSL_GUARDED_BY(mu_);
  std::vector<std::pair<std::string, int64_t>> openings_ ABSL_GUARDED_BY(mu_);
  std::vector<uint64_t> snapshot_versions_ ABSL_GUARDED_BY(mu_);
  std::vector<uint64_t> checkpoint_offsets_ ABSL_GUARDED_BY(mu_);
  std::vector<CheckpointKind> checkpoint_kinds_ ABSL_GUARDED_BY(mu_);
};

// The weights of a FakeLearner: the items it had learned, in order.
class FakeSnapshot : public Snapshot {
 public:
  FakeSnapshot(SnapshotInfo info, std::vector<int64_t> items) : Snapshot(info), items_(std::move(items)) {}
  const std::vector<int64_t>& items() const { return items_; }

 private:
  const std::vector<int64_t> items_;
};

// A row is known by its INT64 column `item`; its state is the items learned so far, in order, kept in checkpoints as a
// text file that ends with a checksum. Its evaluation "counts" the rows of each producer since its opening. Its
// two tasks weigh 1 and 2 and agree with cosine -0.5, once it has learned something.
class FakeLearner : public Learner {
 public:
  explicit FakeLearner(FakeLearnerScript& script) : script_(script) {}

  absl::StatusOr<StepReport> Step(absl::Span<const ExampleSlice> slices) override;
  void OpenEvaluation(absl::string_view producer, int64_t from_micros) override;
  void CallBetweenPieces(std::function<void()> call) override { between_pieces_ = std::move(call); }
  void ClearEvaluations() override { opened_.clear(); }
  absl::StatusOr<std::shared_ptr<const Snapshot>> MakeSnapshot(uint64_t version, uint64_t learned_offset) override;
  absl::StatusOr<std::unique_ptr<CheckpointJob>> BeginCheckpoint(uint64_t log_offset, CheckpointKind kind) override;
  void EndCheckpoint(std::unique_ptr<CheckpointJob> job) override;
  LearnerCounters counters() const override;
  std::vector<TableRows> tables() const override;
  uint64_t table_bytes() const override { return 64 * items_.size(); }
  BalanceFigures balance() const override;
  std::vector<DriftFigure> drift() const override;
  std::vector<EvaluationFigure> RecentEvaluation() const override;
  std::vector<EvaluationFigure> FadingFigures() const override;
  std::vector<std::pair<std::string, std::vector<EvaluationFigure>>> OpenedEvaluations() const override;
  std::vector<EvaluationFigure> RecentServed() const override { return {}; }
  std::vector<std::pair<std::string, std::vector<EvaluationFigure>>> OpenedServed() const override { return {}; }

  static absl::StatusOr<LoadedLearner> Load(FakeLearnerScript& script, const std::filesystem::path& directory);

 private:
  FakeLearnerScript& script_;
  std::function<void()> between_pieces_;
  uint64_t step_ = 0;
  std::vector<int64_t> items_;
  bool checkpointing_ = false;
  std::vector<std::pair<std::string, uint64_t>> opened_;  // Producer, rows since.
};

// Creates and loads FakeLearners.
LearnerFunctions FakeLearnerFunctions(FakeLearnerScript& script);

// The file that holds the state of the checkpoint in `directory`: a test that breaks it makes Load() answer kDataLoss.
std::filesystem::path FakeCheckpointFile(const std::filesystem::path& directory);

}  // namespace polyscene
