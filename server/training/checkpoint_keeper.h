// When checkpoints are written, and who waits for them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/learning/learner.h"
#include "server/control/learning_control.h"
#include "server/eventlog/event_log.h"
#include "server/metrics/metrics.h"
#include "server/sync/clock.h"
#include "server/training/checkpoint_folder.h"
#include "server/training/checkpoint_thread.h"
#include "server/training/trainer_options.h"

namespace polyscene {

// Begins checkpoints of a learner, one at a time, has them written beside it, and lets go of old checkpoints and
// records once a new one is durable. What fails is counted, logged, and tried again an interval later: learning goes
// on. Not thread-safe.
class CheckpointKeeper {
 public:
  struct Parts {
    EventLog* log = nullptr;
    Metrics* metrics = nullptr;
    const Clock* clock = nullptr;
  };

  // newest: offset of the newest checkpoint there is. on_done: called on another thread when Tend() has something to
  // take.
  CheckpointKeeper(Parts parts, const TrainerOptions& options, std::optional<uint64_t> newest,
                   std::function<void()> on_done);

  // Of the newest checkpoint that is durable; nothing before the first one.
  std::optional<uint64_t> newest() const { return newest_; }

  // When the next one is due, with the learner at `offset`. Infinite future: nothing is new, or one is being written.
  absl::Time Due(uint64_t offset) const;

  // A checkpoint at `offset`, or a later one, is wanted as soon as it can be. `done` is called by Tend() or Await(), or
  // now. version: that of the snapshot with these weights.
  using SaveDone = std::function<void(absl::StatusOr<SavedCheckpoint>)>;
  void Want(uint64_t offset, uint64_t version, SaveDone done);

  // Takes what was written; begins a checkpoint where one is wanted or due. The learner has learned up to `offset`.
  void Tend(Learner& learner, uint64_t offset);

  // Waits for what is being written, if something is, and what its end begins; whether something was.
  bool Await(Learner& learner, uint64_t offset);

 private:
  struct Wish {
    uint64_t offset = 0;
    uint64_t version = 0;
    SaveDone done;
  };

  void Begin(Learner& learner, uint64_t offset);
  void Finish(Learner& learner, CheckpointThread::Done done);
  void Failed(uint64_t offset, const absl::Status& status);
  void Answer(uint64_t offset, const absl::Status& status);  // Wishes up to `offset`.
  void RetireOld() const;                                    // On the writing thread.

  const Parts parts_;
  const int kept_;
  const absl::Duration interval_;
  const CheckpointFolder folder_;
  std::optional<uint64_t> newest_;
  absl::Time begun_at_;  // Of the last one, whatever became of it.
  uint64_t writing_offset_ = 0;
  bool again_ = false;  // The last one was aborted; the next is full and comes at once.
  std::vector<Wish> wishes_;
  CheckpointThread thread_;  // Last: what it writes reads the others.
};

}  // namespace polyscene
