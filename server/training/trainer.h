// The trainer: one thread that learns from the event log, publishes snapshots and writes checkpoints.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/control/learning_control.h"
#include "server/sync/mutex.h"
#include "server/training/checkpoint_folder.h"
#include "server/training/trainer_pace.h"
#include "server/training/training_loop.h"

namespace polyscene {

// Any thread may call any method, but Stop() and the destructor belong to the owner.
class Trainer : public LearningControl {
 public:
  // Publishes the learner's first snapshot, so that it is served when this returns, then starts the thread. `learner`
  // is what RecoverLearner() gave.
  //   kDataLoss  the log does not hold what follows the learner's offset
  //   or why the first snapshot could not be made
  static absl::StatusOr<std::unique_ptr<Trainer>> Start(TrainerParts parts, LoadedLearner learner,
                                                        TrainerOptions options);
  ~Trainer() override;  // Stop().

  // Finishes the step, publishes and checkpoints what was learned since, ends the thread. What waits in the log stays
  // there.
  void Stop();
  absl::Status saved() const;  // After Stop(): OK, or why the checkpoint that it wanted could not be written.

  LearningPositions Positions() const override;
  LearningPositions WaitForChange(const LearningPositions& seen, absl::Duration timeout) const override;
  std::shared_ptr<const LearningReport> Report() const override;
  absl::StatusOr<SavedCheckpoint> SaveCheckpoint() override;
  absl::StatusOr<uint64_t> Pause() override;
  absl::StatusOr<uint64_t> Resume() override;
  bool paused() const override;
  absl::Status health() const override;

 private:
  struct SaveRequest {
    bool answered = false;
    absl::StatusOr<SavedCheckpoint> answer = absl::UnavailableError("the trainer has stopped");
  };

  Trainer(TrainerParts parts, const TrainerOptions& options)
      : parts_(std::move(parts)),
        niceness_(options.niceness),
        pace_(*parts_.metrics, *parts_.steady_clock, options.processors) {}

  void Run();            // Body of thread_.
  absl::Status Learn();  // Until Stop(): OK; or until learning cannot go on: why.
  absl::StatusOr<TrainingLoop::Rest> Turn(bool pausing);
  absl::StatusOr<TrainingLoop::Rest> PacedTurn();  // Learns, or rests so that requests come first.
  void Save(const std::shared_ptr<SaveRequest>& request);
  void CheckpointDone();                                    // Any thread.
  void Rest(const TrainingLoop::Rest& rest, bool pausing);  // Until it is over, or what was asked for changes.
  void Tell();  // Copies the loop's positions and report to where other threads see them.
  void End(const absl::Status& why);

  const TrainerParts parts_;
  const int niceness_;
  TrainerPace pace_;  // The thread's alone once it runs.

  mutable Mutex mu_;
  mutable CondVar changed_;  // Positions, answers, paused_, the end.
  CondVar called_;           // A request, Pause(), Resume(), Stop(), or a checkpoint is written.
  LearningPositions positions_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const LearningReport> report_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<SaveRequest>> requests_ ABSL_GUARDED_BY(mu_);
  bool pausing_ ABSL_GUARDED_BY(mu_) = false;  // What was asked for last: Pause() or Resume().
  bool paused_ ABSL_GUARDED_BY(mu_) = false;   // The thread has seen it; only while pausing_.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool checkpoint_done_ ABSL_GUARDED_BY(mu_) = false;  // Since the last rest.
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status health_ ABSL_GUARDED_BY(mu_);
  absl::Status saved_ ABSL_GUARDED_BY(mu_);

  // Behind what its checkpoints' thread calls back into.
  std::unique_ptr<TrainingLoop> loop_;  // The thread's alone once it runs.

  std::thread thread_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene
