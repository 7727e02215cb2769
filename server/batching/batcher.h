// The queue before Predictor.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/data/columns.h"
#include "model/serving/predictor.h"
#include "model/serving/snapshot.h"
#include "server/metrics/metrics.h"
#include "server/snapshot/snapshot_store.h"
#include "server/sync/clock.h"
#include "server/sync/mutex.h"

namespace polyscene {

struct BatcherOptions {
  int threads = 1;                  // Each scores batches of its own.
  int64_t max_batch_rows = 1024;    // Rows scored at once; a larger request goes alone.
  int64_t max_queue_rows = 100000;  // Rows waiting; a request that finds nobody waiting may be larger.
};

struct ScoredRequest {
  ScoreResult result;
  SnapshotInfo snapshot;  // Of the snapshot that computed it.
};

// One validated request. What it borrows stays until `done` is called.
struct PendingRequest {
  int scene = 0;  // Index into ModelSpec::scenes().
  const TableView* context = nullptr;
  const TableView* candidates = nullptr;  // Null in a scene without candidate features.
  absl::Span<const int> tasks;            // Indexes into ModelSpec::tasks().
  int64_t rows = 0;                       // To score.
  absl::Time deadline = absl::InfiniteFuture();
  // Called once, from a worker thread or from within Submit().
  //   kDeadlineExceeded   the deadline passed before the work began
  //   kResourceExhausted  the queue is full
  //   kUnavailable        no snapshot yet, or stopping
  std::function<void(absl::StatusOr<ScoredRequest>)> done;
};

// Nothing waits on purpose: a free worker takes what is there, whole requests, oldest first, and scores them together
// on one snapshot. So batches grow with load, and a lone request is never held back.
//
// Threads: any thread may call Submit(); Stop() once, or the destructor.
class Batcher {
 public:
  // The collaborators outlive this object.
  Batcher(BatcherOptions options, Predictor& predictor, const SnapshotStore& snapshots, Metrics& metrics,
          const Clock& clock);
  ~Batcher();

  void Submit(PendingRequest request);

  // Refuses new requests, scores those that wait, ends the workers. Returns when all have been answered.
  void Stop();

 private:
  absl::Status Enqueue(PendingRequest& request);  // Moves from it where it returns OK.
  // Moves whole requests out of queue_, oldest first, up to options_.max_batch_rows rows, at least one.
  std::vector<PendingRequest> TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ScoreBatch(std::vector<PendingRequest> batch);
  void Run();  // Body of a worker: returns once stopping_ is set and queue_ is empty.

  const BatcherOptions options_;  // Fixed at construction, as are the four below.
  Predictor& predictor_;
  const SnapshotStore& snapshots_;
  Metrics& metrics_;
  const Clock& clock_;

  Mutex mu_;
  CondVar changed_;  // queue_ has grown, or stopping_ is set.
  std::deque<PendingRequest> queue_ ABSL_GUARDED_BY(mu_);
  int64_t queued_rows_ ABSL_GUARDED_BY(mu_) = 0;  // Sum of rows over queue_.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::vector<std::thread> workers_;  // Last, so that everything they read exists before they start.
};

}  // namespace polyscene
