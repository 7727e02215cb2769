// An immutable, servable set of weights.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace polyscene {

struct SnapshotInfo {
  uint64_t version = 0;
  uint64_t rows_learned = 0;         // Over the data directory's lifetime.
  uint64_t learned_offset = 0;       // Everything in the event log before it is learned.
  int64_t learned_up_to_micros = 0;  // Newest event time learned; 0 where no event told one.
  absl::Time published_at = absl::InfinitePast();
};

// What the weights are is the Learner's and the Predictor's secret; others carry snapshots and read their info.
// Immutable, so any thread may read it. It shares table pages with its neighbours and frees those that it alone holds
// when it goes.
class Snapshot {
 public:
  explicit Snapshot(SnapshotInfo info) : info_(info) {}
  virtual ~Snapshot() = default;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  const SnapshotInfo& info() const { return info_; }

 private:
  const SnapshotInfo info_;
};

}  // namespace polyscene
