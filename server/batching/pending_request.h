// What waits in the queue before Predictor.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/data/columns.h"
#include "model/serving/predictor.h"
#include "model/serving/snapshot.h"

namespace polyscene {

struct ScoredRequest {
  ScoreResult result;
  SnapshotInfo snapshot;  // Of the one snapshot that computed all of it.
};

// One validated request. What it borrows stays until `done` is called.
struct PendingRequest {
  int scene = 0;  // Index into ModelSpec::scenes().
  const TableView* context = nullptr;
  const TableView* candidates = nullptr;  // Null in a scene without candidate features.
  absl::Span<const int> tasks;            // Indexes into ModelSpec::tasks().
  int64_t rows = 0;                       // To score: the candidates', or without them the context's.
  absl::Time deadline = absl::InfiniteFuture();
  // Called once, from a worker thread or from within Submit(). What it gets is lent: scores that are wanted for longer
  // are copied.
  //   kDeadlineExceeded   the deadline passed before the work on it, or on its last part, began
  //   kResourceExhausted  the queue is full: with a hint of when to retry (retry_hint.h); or the device's memory is
  //   kUnavailable        no snapshot yet, or stopping
  std::function<void(const absl::StatusOr<ScoredRequest>&)> done;
};

}  // namespace polyscene
