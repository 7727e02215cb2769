#include "server/batching/batcher.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

absl::Status DeadlinePassed() {
  return absl::DeadlineExceededError("the call's deadline passed before its work began");
}

}  // namespace

Batcher::Batcher(BatcherOptions options, Predictor& predictor, const SnapshotStore& snapshots, Metrics& metrics,
                 const Clock& clock)
    : options_(options), predictor_(predictor), snapshots_(snapshots), metrics_(metrics), clock_(clock) {
  for (int i = 0; i < std::max(1, options_.threads); ++i) workers_.emplace_back([this] { Run(); });
}

Batcher::~Batcher() { Stop(); }

void Batcher::Submit(PendingRequest request) {
  const absl::Status status = Enqueue(request);
  if (!status.ok()) request.done(status);
}

absl::Status Batcher::Enqueue(PendingRequest& request) {
  if (snapshots_.Current() == nullptr) return absl::UnavailableError("no snapshot is served yet: retry");
  if (request.deadline <= clock_.Now()) return DeadlinePassed();
  {
    MutexLock lock(&mu_);
    if (stopping_) return absl::UnavailableError("the server is stopping: retry");
    if (!queue_.empty() && queued_rows_ + request.rows > options_.max_queue_rows) {
      return absl::ResourceExhaustedError(absl::StrCat("the queue is full: ", queued_rows_, " rows wait, the limit is ",
                                                       options_.max_queue_rows, ": back off and retry"));
    }
    queued_rows_ += request.rows;
    queue_.push_back(std::move(request));
    metrics_.QueueRows(queued_rows_);
  }
  changed_.Signal();
  return absl::OkStatus();
}

std::vector<PendingRequest> Batcher::TakeBatch() {
  std::vector<PendingRequest> batch;
  int64_t rows = 0;
  while (!queue_.empty() && (batch.empty() || rows + queue_.front().rows <= options_.max_batch_rows)) {
    rows += queue_.front().rows;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_rows_ -= rows;
  metrics_.QueueRows(queued_rows_);
  return batch;
}

void Batcher::Run() {
  for (;;) {
    std::vector<PendingRequest> batch;
    {
      MutexLock lock(&mu_);
      while (queue_.empty() && !stopping_) changed_.Wait(&mu_);
      if (queue_.empty()) return;
      batch = TakeBatch();
    }
    ScoreBatch(std::move(batch));
  }
}

void Batcher::ScoreBatch(std::vector<PendingRequest> batch) {
  // What waited past its deadline costs nothing more.
  const absl::Time now = clock_.Now();
  const auto late = std::stable_partition(batch.begin(), batch.end(),
                                          [now](const PendingRequest& request) { return request.deadline > now; });
  for (auto it = late; it != batch.end(); ++it) it->done(DeadlinePassed());
  batch.erase(late, batch.end());
  if (batch.empty()) return;

  std::vector<ScoreRequest> requests;
  requests.reserve(batch.size());
  int64_t rows = 0;
  for (const PendingRequest& request : batch) {
    requests.push_back({request.scene, request.context, request.candidates, request.tasks});
    rows += request.rows;
  }
  // Held until the scores are there, which is when the device's work on it has ended.
  const std::shared_ptr<const Snapshot> snapshot = snapshots_.Current();
  absl::StatusOr<std::vector<ScoreResult>> results = predictor_.Score(*snapshot, requests);
  metrics_.BatchScored(rows);
  for (size_t i = 0; i < batch.size(); ++i) {
    if (results.ok()) {
      batch[i].done(ScoredRequest{std::move((*results)[i]), snapshot->info()});
    } else {
      batch[i].done(results.status());
    }
  }
}

void Batcher::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  changed_.SignalAll();
  for (std::thread& worker : workers_) {
    if (worker.joinable()) worker.join();
  }
}

}  // namespace polyscene
