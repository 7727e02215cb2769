// Serving first: how long the trainer rests between its turns.
#pragma once

#include "absl/time/time.h"
#include "server/metrics/metrics.h"
#include "server/sync/clock.h"
#include "server/training/share_governor.h"

namespace polyscene {

// After turns that took d together, the trainer rests d x (1 - share) / share, with the share that the governor makes
// of Predict's latencies. What it waits for rows counts as rest. Learning is put off and nothing else: steps, journal
// and weights are those of a trainer that never rests.
//
// Within a turn it stands back while more requests wait or are scored than there are processors. Then threads of the
// server wait for one, and on Linux they may wait for whole ticks behind each other although the trainer's processor
// would take them at once: one that has something to run, of the idle class or not, fetches nothing. Those are the
// requests that p99 is made of, and few where there is anything to learn with: it costs the trainer little.
//
// Not thread-safe: the trainer's thread has it to itself. The collaborators outlive it.
class TrainerPace {
 public:
  TrainerPace(Metrics& metrics, const Clock& steady_clock, int processors);

  // A turn begins. Zero: it may learn. Else it is not to: so long there is to be rested yet, or until the share is to
  // be judged again, which is soon.
  absl::Duration BeginTurn();
  void EndTurn();

  // Within a turn: returns at once, or when there is room beside the requests again; or when standing back has taken a
  // second of the turn, or so much of it that no more than the governor's floor is left for learning. Sleeps.
  void StandBack();

  double share() const { return governor_.share(); }

 private:
  void Judge(absl::Time now);

  Metrics& metrics_;
  const Clock& clock_;
  const int processors_;
  ShareGovernor governor_;
  absl::Time begun_at_;        // Of the turn.
  absl::Time ended_at_;        // Of the one before.
  absl::Duration told_;        // What the last turn was told to rest.
  absl::Duration stood_back_;  // In the turn.
  absl::Duration worked_;      // Not yet made good for, by
  absl::Duration rested_;      // as much rest since.
};

}  // namespace polyscene
