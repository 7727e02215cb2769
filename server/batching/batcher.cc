#include "server/batching/batcher.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/batching/retry_hint.h"

namespace polyscene {
namespace {

constexpr absl::Duration kUnknownBacklog = absl::Milliseconds(100);  // Before any batch was measured.
constexpr absl::Duration kShortestRetry = absl::Milliseconds(1);
constexpr absl::Duration kLongestRetry = absl::Seconds(10);  // By then much may have changed.

// Nothing may touch what the request borrows from here on.
void Answer(QueuedRequest& queued, absl::StatusOr<ScoredRequest> scored) {
  queued.snapshot = nullptr;  // Here and not under the batcher's lock: it may be the last reader's.
  const auto done = std::move(queued.request.done);
  queued.request.done = nullptr;
  done(std::move(scored));
}

}  // namespace

Batcher::Batcher(BatcherOptions options, Predictor& predictor, const SnapshotStore& snapshots, Metrics& metrics,
                 const Clock& clock)
    : options_(options),
      predictor_(predictor),
      snapshots_(snapshots),
      metrics_(metrics),
      clock_(clock),
      row_limit_(cost_.RowLimit(options.min_batch_rows, options.max_batch_rows)) {
  metrics_.BatchRowLimit(row_limit_);
  for (int i = 0; i < std::max(1, options_.threads); ++i) workers_.emplace_back([this] { Run(); });
}

Batcher::~Batcher() { Stop(); }

void Batcher::Submit(PendingRequest request) {
  const absl::Status status = Enqueue(request);
  if (!status.ok()) request.done(status);
}

absl::Status Batcher::Enqueue(PendingRequest& request) {
  if (snapshots_.Current() == nullptr) return absl::UnavailableError("no snapshot is served yet: retry");
  const absl::Time now = clock_.Now();
  if (request.deadline <= now) return absl::DeadlineExceededError("the call's deadline passed before its work began");
  const int64_t bytes =
      request.context->bytes() + (request.candidates != nullptr ? request.candidates->bytes() : int64_t{0});
  {
    MutexLock lock(&mu_);
    if (stopping_) return absl::UnavailableError("the server is stopping: retry");
    if (absl::Status status = CheckRoom(request.rows, bytes); !status.ok()) return status;
    queue_.Push(std::move(request), bytes, now);
    metrics_.Queue(queue_.rows(), queue_.bytes());
  }
  changed_.Signal();
  return absl::OkStatus();
}

absl::Status Batcher::CheckRoom(int64_t rows, int64_t bytes) const {
  if (queue_.empty()) return absl::OkStatus();
  std::string full;
  if (queue_.rows() + rows > options_.max_queue_rows) {
    full = absl::StrCat(queue_.rows(), " rows wait, the limit is ", options_.max_queue_rows);
  } else if (queue_.bytes() + bytes > options_.max_queue_bytes) {
    full = absl::StrCat(queue_.bytes(), " bytes wait, the limit is ", options_.max_queue_bytes);
  } else {
    return absl::OkStatus();
  }
  // When what waits now is done: sooner, whoever was refused would find a queue that is as full as this one.
  absl::Duration backlog = cost_.Backlog(queue_.rows(), row_limit_, std::max(1, options_.threads));
  if (backlog == absl::ZeroDuration()) backlog = kUnknownBacklog;
  const absl::Duration after = absl::Ceil(std::clamp(backlog, kShortestRetry, kLongestRetry), absl::Milliseconds(1));
  return WithRetryHint(absl::ResourceExhaustedError(absl::StrCat("the queue is full: ", full, ": retry in ",
                                                                 absl::ToInt64Milliseconds(after), " ms")),
                       after);
}

void Batcher::Run() {
  Worker worker;
  while (NextWork(worker)) DoWork(worker);
}

bool Batcher::NextWork(Worker& worker) {
  Work& work = worker.work;
  bool more = false;
  {
    MutexLock lock(&mu_);
    FinishWork(worker);
    ++idle_;
    while (queue_.empty() && !stopping_) changed_.Wait(&mu_);
    --idle_;
    if (queue_.empty()) return false;
    queue_.Take(clock_.Now(), {row_limit_, options_.max_batch_rows, idle_}, work);
    // Only a pointer is copied here.
    if (work.in_part != nullptr && work.in_part->snapshot == nullptr) work.in_part->snapshot = snapshots_.Current();
    metrics_.Queue(queue_.rows(), queue_.bytes());
    more = !queue_.empty() && idle_ > 0;
  }
  if (more) changed_.Signal();
  return true;
}

void Batcher::FinishWork(Worker& worker) {
  Work& work = worker.work;
  if (work.rows > 0) {
    cost_.Observe(work.rows, worker.took);
    row_limit_ = cost_.RowLimit(options_.min_batch_rows, options_.max_batch_rows);
    metrics_.BatchRowLimit(row_limit_);
  }
  for (QueuedRequest* request : work.whole) queue_.Release(request);
  for (QueuedRequest* request : work.dead) queue_.Release(request);
  work.whole.clear();
  work.dead.clear();
  work.in_part = nullptr;
  work.rows = 0;
}

void Batcher::DoWork(Worker& worker) {
  Work& work = worker.work;
  for (QueuedRequest* request : work.dead) Answer(*request, request->failure);
  if (work.rows == 0) return;
  // Held until the scores are there, which is when the device's work on it has ended.
  const std::shared_ptr<const Snapshot> snapshot =
      work.in_part != nullptr ? work.in_part->snapshot : snapshots_.Current();
  absl::StatusOr<std::vector<ScoreResult>> results = Score(*snapshot, worker);
  if (work.in_part != nullptr) return AnswerPart(worker, std::move(results));
  for (size_t i = 0; i < work.whole.size(); ++i) {
    if (results.ok()) {
      Answer(*work.whole[i], ScoredRequest{std::move((*results)[i]), snapshot->info()});
    } else {
      Answer(*work.whole[i], results.status());
    }
  }
}

absl::StatusOr<std::vector<ScoreResult>> Batcher::Score(const Snapshot& snapshot, Worker& worker) {
  const Work& work = worker.work;
  worker.requests.clear();
  for (const QueuedRequest* queued : work.whole) {
    const PendingRequest& request = queued->request;
    worker.requests.push_back({request.scene, request.context, request.candidates, request.tasks});
  }
  if (work.in_part != nullptr) {
    const PendingRequest& request = work.in_part->request;
    const bool of_candidates = request.candidates != nullptr;
    const TableView& part =
        worker.slice.Cut(of_candidates ? *request.candidates : *request.context, work.begin, work.end);
    worker.requests.push_back(
        {request.scene, of_candidates ? request.context : &part, of_candidates ? &part : nullptr, request.tasks});
  }
  const absl::Time began = clock_.Now();
  absl::StatusOr<std::vector<ScoreResult>> results = predictor_.Score(snapshot, worker.requests);
  worker.took = results.ok() ? clock_.Now() - began : absl::ZeroDuration();
  metrics_.BatchScored(work.rows);
  return results;
}

void Batcher::AnswerPart(Worker& worker, absl::StatusOr<std::vector<ScoreResult>> results) {
  QueuedRequest& request = *worker.work.in_part;
  ScoredPart part{worker.work.begin, results.ok() ? std::move(results->front()) : ScoreResult()};
  {
    MutexLock lock(&mu_);
    if (!queue_.FinishPart(request, results.status(), std::move(part))) return;
  }
  // The last part was this worker's: nobody else knows the request any more.
  if (request.failure.ok()) {
    const SnapshotInfo info = request.snapshot->info();
    Answer(request, ScoredRequest{JoinParts(request.parts), info});
  } else {
    Answer(request, request.failure);
  }
  worker.work.whole.push_back(&request);  // To be let go of, as it would be had it been taken whole.
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
