// The queue before Predictor.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
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
  int threads = 1;  // Each scores batches of its own; never more batches than these are scored at once.
  // Between these lies the number of rows that is worth scoring at once, which is learned: see BatchCost.
  int64_t min_batch_rows = 64;    // The forward itself works in chunks of about so many.
  int64_t max_batch_rows = 1024;  // Never more at once; beyond, caches overflow.
  // What may wait; a request that finds nobody waiting may be larger.
  int64_t max_queue_rows = 100000;
  int64_t max_queue_bytes = int64_t{256} << 20;  // Of the tables.
  // A request of so few rows that comes alone is scored by who submits it, within Submit(), unless it is known to take
  // much longer than waking a worker. 0: none is.
  int64_t max_inline_rows = 16;
  int max_inline_threads = 1;  // That score within Submit() at once: fewer than those who submit have.
};

// Nothing waits on purpose: a free worker takes what is there, the most urgent first, requests of all scenes together,
// and scores it on one snapshot. So batches grow with load, and a lone request is never held back. How many rows are
// taken at once is learned from what batches cost (BatchCost); a large request is shared among idle workers
// (RequestQueue), all of them on the same snapshot. A small one that comes alone does not change threads at all: who
// submits it does a worker's round. Where requests come close behind one another, a batch of them costs less.
//
// Threads: any thread may call Submit(); Stop() once, or the destructor.
class Batcher {
 public:
  // The collaborators outlive this object.
  Batcher(BatcherOptions options, Predictor& predictor, const SnapshotStore& snapshots, Metrics& metrics,
          const Clock& clock);
  ~Batcher();

  // May answer before it returns: with an error, or with the scores of a small request.
  void Submit(PendingRequest request);

  // Refuses new requests, scores those that wait, ends the workers. Returns when all have been answered, on whatever
  // thread.
  void Stop();

 private:
  // What one work is scored with. Whoever scores holds one, so that their number bounds how many do; what they have
  // allocated is kept from one work to the next.
  struct Slot {
    Work work;
    std::vector<ScoreRequest> requests;
    std::vector<ScoreResult> results;  // As many as the largest batch had.
    TableSlice slice;
    absl::Duration took;  // Scoring the last work; zero where it failed.
  };

  // Moves from the request where it returns OK. *slot: then not null if the work is the caller's.
  absl::Status Enqueue(PendingRequest& request, Slot** slot);
  absl::Status CheckRoom(int64_t rows, int64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void NoteArrival(absl::Time now, int64_t rows) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool WorthInline(int64_t rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void Run();                  // Body of a worker: returns once stopping_ is set and queue_ is empty.
  Slot* NextWork(Slot* done);  // Waits for it. Null: there will be none. done: with the last work, or null.
  void GiveBack(Slot& slot);   // After work within Submit().
  Slot* TakeSlot(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);  // With work; one is free, and something waits.
  void FinishWork(Slot& slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);     // Learns from it and lets go of its requests.
  bool WorkWaits() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !queue_.empty() && !free_slots_.empty(); }

  void DoWork(Slot& slot);
  absl::Status Score(const Snapshot& snapshot, Slot& slot);
  void AnswerPart(Slot& slot, const absl::Status& status);

  const BatcherOptions options_;  // Fixed at construction, as are the four below.
  Predictor& predictor_;
  const SnapshotStore& snapshots_;
  Metrics& metrics_;
  const Clock& clock_;

  Mutex mu_;
  CondVar changed_;  // Work waits and a slot is free for it; or stopping_ is set.
  CondVar settled_;  // The last slot was given back while stopping.
  RequestQueue queue_ ABSL_GUARDED_BY(mu_);
  BatchCost cost_ ABSL_GUARDED_BY(mu_);
  int64_t row_limit_ ABSL_GUARDED_BY(mu_);              // By cost_.
  std::vector<std::unique_ptr<Slot>> slots_;            // As many as threads; fixed at construction.
  std::vector<Slot*> free_slots_ ABSL_GUARDED_BY(mu_);  // The one used last, whose memory is warm, at the back.
  absl::Time last_arrival_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  double close_share_ ABSL_GUARDED_BY(mu_) = 0;  // Of the last requests, that came close behind another; faded.
  int inline_threads_ ABSL_GUARDED_BY(mu_) = 0;  // That score within Submit() now.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::vector<std::thread> workers_;  // Last, so that everything they read exists before they start.
};

}  // namespace polyscene
