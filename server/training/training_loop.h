// What the trainer does, one turn after the other, without a thread of its own: log -> steps -> learner -> snapshot,
// checkpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/learning/learner.h"
#include "model/spec/model_spec.h"
#include "server/control/learning_control.h"
#include "server/eventlog/event_log.h"
#include "server/metrics/metrics.h"
#include "server/snapshot/snapshot_store.h"
#include "server/sync/clock.h"
#include "server/training/checkpoint_folder.h"
#include "server/training/checkpoint_keeper.h"
#include "server/training/step_former.h"
#include "server/training/trainer_options.h"
#include "server/training/version_source.h"

namespace polyscene {

// What the trainer works with. None is owned; all outlive it.
struct TrainerParts {
  std::shared_ptr<const ModelSpec> spec;
  EventLog* log = nullptr;
  SnapshotStore* snapshots = nullptr;
  Metrics* metrics = nullptr;
  const Clock* clock = nullptr;
  const Clock* steady_clock = nullptr;  // One that nobody sets, for durations.
};

// Not thread-safe: the trainer's thread has it to itself.
class TrainingLoop {
 public:
  // Takes over `learner` and publishes its first snapshot. checkpoint_done: called on another thread when a checkpoint
  // is written and the next turn, which may be taken at once, has to hear of it.
  //   kDataLoss  the log does not hold what follows the learner's offset
  static absl::StatusOr<std::unique_ptr<TrainingLoop>> Create(TrainerParts parts, LoadedLearner learner,
                                                              TrainerOptions options,
                                                              std::function<void()> checkpoint_done);

  // How long there is nothing to do: until `longest` has passed, or, with `until_rows`, until the log goes beyond
  // read_offset().
  struct Rest {
    absl::Duration longest;
    bool until_rows = true;
  };

  // Does what is due, at most one step. A publish or checkpoint that fails is counted, logged and tried again after its
  // interval, a full disk under the journal after a second. An error is one that learning cannot go on from: the
  // weights are those of positions(), and further turns would only repeat it.
  absl::StatusOr<Rest> Turn();

  // The same while learning is paused: publishes and checkpoints what is due, reads and learns nothing.
  Rest IdleTurn();

  // Publishes if something was learned since, and has a checkpoint of all that written if the newest one is older;
  // calls `done` in a later turn, or now.
  void BeginSave(CheckpointKeeper::SaveDone done);

  // The same, done when it returns.
  absl::StatusOr<SavedCheckpoint> Save();

  // Waits until the checkpoint that is being written, if one is, is done; whether one was.
  bool AwaitCheckpoint();

  absl::Status PublishIfNews();

  uint64_t read_offset() const { return steps_.read_offset(); }
  LearningPositions positions() const;
  std::shared_ptr<const LearningReport> report() const { return report_; }

 private:
  TrainingLoop(TrainerParts parts, LoadedLearner learner, TrainerOptions options, StepFormer steps,
               std::optional<uint64_t> newest_checkpoint, std::function<void()> checkpoint_done);

  // Learns it; false if the journal's disk is full, and nothing changed.
  absl::StatusOr<bool> Learn(const FormedStep& step);
  void CountLearned(const FormedStep& step);
  absl::Status Publish();
  absl::Status TryPublish();
  void CountFreshness(absl::Time served_at);
  void LogDriftAlarms(
      const std::vector<DriftFigure>& now) const;  // A line for each task with more than at the last report.

  bool news() const { return steps_.begin() > served_offset_; }
  void DoWhatIsDue();
  absl::Time PublishDue() const;  // Infinite future: nothing to publish.

  const TrainerParts parts_;
  const TrainerOptions options_;
  const std::unique_ptr<Learner> learner_;
  StepFormer steps_;
  VersionSource versions_;

  uint64_t served_offset_ = 0;
  uint64_t served_version_ = 0;
  absl::Time published_at_;      // Of the last attempt.
  std::vector<StepPart> fresh_;  // Learned for the first time since the last publish.
  std::shared_ptr<const LearningReport> report_;
  CheckpointKeeper checkpoints_;  // Last, for it waits for a job, which reads the learner's rows.
};

}  // namespace polyscene
