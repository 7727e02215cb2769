// The queue before Predictor.
#pragma once

#include <cstdint>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/data/table_slice.h"
#include "model/serving/predictor.h"
#include "server/batching/batch_cost.h"
#include "server/batching/pending_request.h"
#include "server/batching/request_queue.h"
#include "server/metrics/metrics.h"
#include "server/snapshot/snapshot_store.h"
#include "server/sync/clock.h"
#include "server/sync/mutex.h"

namespace polyscene {

struct BatcherOptions {
  int threads = 1;  // Each scores batches of its own.
  // Between these lies the number of rows that is worth scoring at once, which is learned: see BatchCost.
  int64_t min_batch_rows = 64;    // The forward itself works in chunks of about so many.
  int64_t max_batch_rows = 1024;  // Never more at once; beyond, caches overflow.
  // What may wait; a request that finds nobody waiting may be larger.
  int64_t max_queue_rows = 100000;
  int64_t max_queue_bytes = int64_t{256} << 20;  // Of the tables.
};

// Nothing waits on purpose: a free worker takes what is there, the most urgent first, requests of all scenes together,
// and scores it on one snapshot. So batches grow with load, and a lone request is never held back. How many rows are
// taken at once is learned from what batches cost (BatchCost); a large request is shared among idle workers
// (RequestQueue), all of them on the same snapshot.
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
  // What a worker has for itself, kept from one batch to the next.
  struct Worker {
    Work work;
    std::vector<ScoreRequest> requests;
    TableSlice slice;
    absl::Duration took;  // Scoring the last work; zero where it failed.
  };

  absl::Status Enqueue(PendingRequest& request);  // Moves from it where it returns OK.
  absl::Status CheckRoom(int64_t rows, int64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Run();                     // Body of a worker: returns once stopping_ is set and queue_ is empty.
  bool NextWork(Worker& worker);  // Waits for it. False: there will be none.
  void FinishWork(Worker& worker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);  // Learns from it and lets go of its requests.
  void DoWork(Worker& worker);
  absl::StatusOr<std::vector<ScoreResult>> Score(const Snapshot& snapshot, Worker& worker);
  void AnswerPart(Worker& worker, absl::StatusOr<std::vector<ScoreResult>> results);

  const BatcherOptions options_;  // Fixed at construction, as are the four below.
  Predictor& predictor_;
  const SnapshotStore& snapshots_;
  Metrics& metrics_;
  const Clock& clock_;

  Mutex mu_;
  CondVar changed_;  // queue_ has grown, or stopping_ is set.
  RequestQueue queue_ ABSL_GUARDED_BY(mu_);
  BatchCost cost_ ABSL_GUARDED_BY(mu_);
  int64_t row_limit_ ABSL_GUARDED_BY(mu_);  // By cost_.
  int idle_ ABSL_GUARDED_BY(mu_) = 0;       // Workers that wait.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::vector<std::thread> workers_;  // Last, so that everything they read exists before they start.
};

}  // namespace polyscene
