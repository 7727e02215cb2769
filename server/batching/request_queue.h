// The order in which requests are scored, and how they are cut into work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "model/serving/predictor.h"
#include "model/serving/snapshot.h"
#include "server/batching/pending_request.h"

namespace polyscene {

// A request from its arrival in the queue until it is answered.
struct QueuedRequest {
  PendingRequest request;
  int64_t bytes = 0;     // Of its tables.
  absl::Time due;        // What it is ordered by: see RequestQueue.
  uint64_t arrival = 0;  // Counts requests.

  // From here on of one that is scored in parts alone.
  int64_t taken = 0;                         // Rows that a worker has taken: the first so many.
  int parts_out = 0;                         // Taken and not finished.
  bool queued = false;                       // Some of it may still be taken.
  std::shared_ptr<const Snapshot> snapshot;  // What every part is scored on.
  std::unique_ptr<ScoreResult> joined;       // What its parts were scored; null before the first one was.
  absl::Status failure;                      // The first part's that failed; or why the rest is not scored.

  bool finished() const { return !queued && parts_out == 0; }
};

// What one worker takes at once: whole requests to score together, or a part of one.
struct Work {
  std::vector<QueuedRequest*> whole;
  QueuedRequest* in_part = nullptr;  // Not null: rows [begin, end) of it, and `whole` is empty.
  int64_t begin = 0;
  int64_t end = 0;
  int64_t rows = 0;                  // To score in all.
  std::vector<QueuedRequest*> dead;  // To be answered with their `failure`.
};

// Requests come earliest deadline first, equal ones in the order of their arrival. One without a deadline, or with a
// later one, is due kPatience after its arrival: so it comes after the urgent ones, but not for ever.
//
// Requests are taken whole while together they are within the row limit. One that has more rows is taken in parts of
// about equal size, one for each idle worker, as many as its rows are worth; where no worker is idle it is taken whole,
// as parts would only cost more, up to max_rows at once. It stays at its place in the order until its last row is
// taken, so something more urgent may come between its parts.
//
// Not thread-safe: the batcher's lock guards it. In steady state it allocates nothing, parts included.
class RequestQueue {
 public:
  // Longer than a caller who sets a deadline usually waits; a full queue is about a second's work.
  static constexpr absl::Duration kPatience = absl::Seconds(1);

  bool empty() const { return heap_.empty(); }
  int64_t rows() const { return rows_; }    // Not taken yet.
  int64_t bytes() const { return bytes_; }  // Of requests of which some rows are not taken yet.

  void Push(PendingRequest request, int64_t bytes, absl::Time now);

  struct Limits {
    int64_t rows = 1;      // Worth scoring at once.
    int64_t max_rows = 1;  // Never more at once.
    int idle_workers = 0;  // Beside the one that takes.
  };
  // Fills `work`, whose vectors are empty. Of nothing but dead requests there may be no row in it.
  void Take(absl::Time now, const Limits& limits, Work& work);

  // Has request.joined be there, with room for all rows, of the shape of `part`, a result of some of them. Whoever
  // scored rows then copies them there (CopyPart()) without the lock: no two parts have a row in common.
  void MakeRoom(QueuedRequest& request, const ScoreResult& part);

  // A part of `request` that Take() gave out is scored, and copied, or has failed. True: it was the last, and the
  // request can be answered.
  bool FinishPart(QueuedRequest& request, const absl::Status& status);

  // The request is answered and gone. Keeps its memory for another one.
  void Release(QueuedRequest* request);

 private:
  void Grow();
  QueuedRequest& Pop();
  bool Dead(QueuedRequest& request, absl::Time now) const;
  void TakePart(const Limits& limits, Work& work);

  std::vector<QueuedRequest*> heap_;  // The one that is due first at the front.
  int64_t rows_ = 0;
  int64_t bytes_ = 0;
  uint64_t arrivals_ = 0;

  std::deque<QueuedRequest> pool_;  // All there ever were at once; they do not move.
  std::vector<QueuedRequest*> free_;
  std::vector<std::unique_ptr<ScoreResult>> free_results_;  // For requests in parts.
};

// Writes `part`, which is of the rows from `begin` on, to its place in `joined`.
void CopyPart(const ScoreResult& part, int64_t begin, ScoreResult& joined);

}  // namespace polyscene
