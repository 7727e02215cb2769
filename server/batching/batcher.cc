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

// Beside what waking a worker costs (some 10 us of processor, and the wait for it) this is not much, and as long as
// that a thread of gRPC's may be kept from its other calls.
constexpr absl::Duration kLongestInline = absl::Microseconds(200);
// Requests that come within so many times what one costs would have shared a batch: while one is scored, and sent, the
// next is there. Scored one by one within Submit(), 16 callers' single candidates cost the forward twice as much.
constexpr double kClose = 3;
constexpr double kFewClose = 0.25;
constexpr double kNewestShare = 0.125;  // Of close_share_.

// Nothing may touch what the request borrows from here on.
void Answer(QueuedRequest& queued, const absl::StatusOr<ScoredRequest>& scored, Metrics& metrics) {
  queued.snapshot = nullptr;  // Here and not under the batcher's lock: it may be the last reader's.
  const auto done = std::move(queued.request.done);
  queued.request.done = nullptr;
  done(scored);
  metrics.ScoringEnded();
}

// The same with scores, whose memory is `result`'s again afterwards.
void Answer(QueuedRequest& queued, const SnapshotInfo& snapshot, ScoreResult& result, Metrics& metrics) {
  absl::StatusOr<ScoredRequest> scored(ScoredRequest{std::move(result), snapshot});
  Answer(queued, scored, metrics);
  result = std::move(scored->result);
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
  const int threads = std::max(1, options_.threads);
  {
    MutexLock lock(&mu_);
    for (int i = 0; i < threads; ++i) free_slots_.push_back(slots_.emplace_back(std::make_unique<Slot>()).get());
  }
  for (int i = 0; i < threads; ++i) workers_.emplace_back([this] { Run(); });
}

Batcher::~Batcher() { Stop(); }

void Batcher::Submit(PendingRequest request) {
  Slot* slot = nullptr;
  const absl::Status status = Enqueue(request, &slot);
  if (!status.ok()) return request.done(status);
  if (slot == nullptr) return;
  DoWork(*slot);
  GiveBack(*slot);
}

absl::Status Batcher::Enqueue(PendingRequest& request, Slot** slot) {
  if (snapshots_.Current() == nullptr) return absl::UnavailableError("no snapshot is served yet: retry");
  const absl::Time now = clock_.Now();
  if (request.deadline <= now) return absl::DeadlineExceededError("the call's deadline passed before its work began");
  const int64_t bytes =
      request.context->bytes() + (request.candidates != nullptr ? request.candidates->bytes() : int64_t{0});
  bool wake = false;
  {
    MutexLock lock(&mu_);
    if (stopping_) return absl::UnavailableError("the server is stopping: retry");
    if (absl::Status status = CheckRoom(request.rows, bytes); !status.ok()) return status;
    NoteArrival(now, request.rows);
    const bool is_inline = queue_.empty() && WorthInline(request.rows);
    queue_.Push(std::move(request), bytes, now);
    metrics_.ScoringBegan();
    if (is_inline) {
      ++inline_threads_;
      *slot = TakeSlot(now);
      return absl::OkStatus();
    }
    metrics_.Queue(queue_.rows(), queue_.bytes());
    wake = WorkWaits();  // Else whoever gives a slot back takes it or wakes.
  }
  if (wake) changed_.Signal();
  return absl::OkStatus();
}

void Batcher::NoteArrival(absl::Time now, int64_t rows) {
  const bool close = now - last_arrival_ < kClose * cost_.Of(rows);
  close_share_ += kNewestShare * ((close ? 1.0 : 0.0) - close_share_);
  last_arrival_ = now;
}

bool Batcher::WorthInline(int64_t rows) const {
  return !free_slots_.empty() && inline_threads_ < options_.max_inline_threads &&
         rows <= std::min(options_.max_inline_rows, row_limit_) && cost_.Of(rows) <= kLongestInline &&
         close_share_ < kFewClose;
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
  Slot* slot = nullptr;
  while ((slot = NextWork(slot)) != nullptr) DoWork(*slot);
}

Batcher::Slot* Batcher::NextWork(Slot* done) {
  Slot* slot = nullptr;
  bool more = false;
  {
    MutexLock lock(&mu_);
    if (done != nullptr) FinishWork(*done);
    while (!WorkWaits() && !(queue_.empty() && stopping_)) changed_.Wait(&mu_);
    if (queue_.empty()) {
      changed_.Signal();  // Who waited for a slot may end as well.
      return nullptr;
    }
    slot = TakeSlot(clock_.Now());
    metrics_.Queue(queue_.rows(), queue_.bytes());
    more = WorkWaits();
  }
  if (more) changed_.Signal();
  return slot;
}

void Batcher::GiveBack(Slot& slot) {
  MutexLock lock(&mu_);
  FinishWork(slot);
  --inline_threads_;
  // What came meanwhile found no slot, or this one's work before it. Under the lock: without it a stop may be over
  // first.
  if (WorkWaits()) changed_.Signal();
}

Batcher::Slot* Batcher::TakeSlot(absl::Time now) {
  Slot* slot = free_slots_.back();
  free_slots_.pop_back();
  Work& work = slot->work;
  queue_.Take(now, {row_limit_, options_.max_batch_rows, static_cast<int>(free_slots_.size())}, work);
  // Only a pointer is copied here.
  if (work.in_part != nullptr && work.in_part->snapshot == nullptr) work.in_part->snapshot = snapshots_.Current();
  return slot;
}

void Batcher::FinishWork(Slot& slot) {
  Work& work = slot.work;
  if (work.rows > 0) {
    cost_.Observe(work.rows, slot.took);
    row_limit_ = cost_.RowLimit(options_.min_batch_rows, options_.max_batch_rows);
    metrics_.BatchRowLimit(row_limit_);
  }
  for (QueuedRequest* request : work.whole) queue_.Release(request);
  for (QueuedRequest* request : work.dead) queue_.Release(request);
  work.whole.clear();
  work.dead.clear();
  work.in_part = nullptr;
  work.rows = 0;
  free_slots_.push_back(&slot);
  if (stopping_ && free_slots_.size() == slots_.size()) settled_.SignalAll();
}

void Batcher::DoWork(Slot& slot) {
  Work& work = slot.work;
  for (QueuedRequest* request : work.dead) Answer(*request, request->failure, metrics_);
  if (work.rows == 0) return;
  // Held until the scores are there, which is when the device's work on it has ended.
  const std::shared_ptr<const Snapshot> snapshot =
      work.in_part != nullptr ? work.in_part->snapshot : snapshots_.Current();
  const absl::Status status = Score(*snapshot, slot);
  if (work.in_part != nullptr) return AnswerPart(slot, status);
  for (size_t i = 0; i < work.whole.size(); ++i) {
    if (status.ok()) {
      Answer(*work.whole[i], snapshot->info(), slot.results[i], metrics_);
    } else {
      Answer(*work.whole[i], status, metrics_);
    }
  }
}

absl::Status Batcher::Score(const Snapshot& snapshot, Slot& slot) {
  const Work& work = slot.work;
  slot.requests.clear();
  for (const QueuedRequest* queued : work.whole) {
    const PendingRequest& request = queued->request;
    slot.requests.push_back({request.scene, request.context, request.candidates, request.tasks});
  }
  if (work.in_part != nullptr) {
    const PendingRequest& request = work.in_part->request;
    const bool of_candidates = request.candidates != nullptr;
    const TableView& part =
        slot.slice.Cut(of_candidates ? *request.candidates : *request.context, work.begin, work.end);
    slot.requests.push_back(
        {request.scene, of_candidates ? request.context : &part, of_candidates ? &part : nullptr, request.tasks});
  }
  const size_t count = slot.requests.size();
  if (slot.results.size() < count) slot.results.resize(count);
  const absl::Time began = clock_.Now();
  absl::Status status = predictor_.ScoreInto(snapshot, slot.requests, absl::MakeSpan(slot.results).subspan(0, count));
  slot.took = status.ok() ? clock_.Now() - began : absl::ZeroDuration();
  metrics_.BatchScored(work.rows);
  return status;
}

void Batcher::AnswerPart(Slot& slot, const absl::Status& status) {
  QueuedRequest& request = *slot.work.in_part;
  if (status.ok()) {
    const ScoreResult& part = slot.results.front();
    {
      MutexLock lock(&mu_);
      queue_.MakeRoom(request, part);
    }
    CopyPart(part, slot.work.begin, *request.joined);
  }
  {
    MutexLock lock(&mu_);
    if (!queue_.FinishPart(request, status)) return;
  }
  // The last part was this one: nobody else knows the request any more.
  if (request.failure.ok()) {
    const SnapshotInfo info = request.snapshot->info();
    Answer(request, info, *request.joined, metrics_);
  } else {
    Answer(request, request.failure, metrics_);
  }
  slot.work.whole.push_back(&request);  // To be let go of, as it would be had it been taken whole.
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
  // Work within Submit() is all that may be left.
  MutexLock lock(&mu_);
  while (free_slots_.size() < slots_.size()) settled_.Wait(&mu_);
}

}  // namespace polyscene
