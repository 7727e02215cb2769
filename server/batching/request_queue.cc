#include "server/batching/request_queue.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace polyscene {
namespace {

// std::push_heap() puts the largest at the front.
bool Later(const QueuedRequest* a, const QueuedRequest* b) {
  return std::tie(a->due, a->arrival) > std::tie(b->due, b->arrival);
}

constexpr size_t kMadeAtOnce = 16;  // Requests that the queue grows by, so that a few more than before find room.

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

void RequestQueue::Grow() {
  const size_t size = pool_.size() + kMadeAtOnce;
  free_.reserve(size);
  heap_.reserve(size);
  free_results_.reserve(size);
  while (pool_.size() < size) free_.push_back(&pool_.emplace_back());
}

void RequestQueue::Push(PendingRequest request, int64_t bytes, absl::Time now) {
  if (free_.empty()) Grow();
  QueuedRequest& queued = *free_.back();
  free_.pop_back();
  queued.due = std::min(request.deadline, now + kPatience);
  queued.request = std::move(request);
  queued.bytes = bytes;
  queued.arrival = arrivals_++;
  queued.queued = true;
  rows_ += queued.request.rows;
  bytes_ += bytes;
  heap_.push_back(&queued);
  std::push_heap(heap_.begin(), heap_.end(), Later);
}

QueuedRequest& RequestQueue::Pop() {
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  QueuedRequest& request = *heap_.back();
  heap_.pop_back();
  request.queued = false;
  rows_ -= request.request.rows - request.taken;
  bytes_ -= request.bytes;
  return request;
}

bool RequestQueue::Dead(QueuedRequest& request, absl::Time now) const {
  if (request.failure.ok() && request.request.deadline <= now) {
    request.failure = absl::DeadlineExceededError("the call's deadline passed before its work began");
  }
  return !request.failure.ok();
}

void RequestQueue::Take(absl::Time now, const Limits& limits, Work& work) {
  while (!heap_.empty()) {
    QueuedRequest& next = *heap_.front();
    if (Dead(next, now)) {
      // While a part of it is being scored, whoever finishes that answers.
      if (Pop().finished()) work.dead.push_back(&next);
      continue;
    }
    if (next.taken > 0 || next.request.rows > limits.rows) {
      if (work.whole.empty()) TakePart(limits, work);
      return;
    }
    if (!work.whole.empty() && work.rows + next.request.rows > limits.rows) return;
    work.rows += next.request.rows;
    work.whole.push_back(&Pop());
  }
}

void RequestQueue::TakePart(const Limits& limits, Work& work) {
  QueuedRequest& request = *heap_.front();
  const int64_t left = request.request.rows - request.taken;
  const int64_t worth = DivideUp(left, std::max<int64_t>(1, limits.rows));
  const int64_t parts = std::max(std::min<int64_t>(worth, 1 + limits.idle_workers),
                                 DivideUp(left, std::max<int64_t>(1, limits.max_rows)));
  const int64_t rows = DivideUp(left, parts);
  work.rows = rows;
  if (rows == request.request.rows) {
    work.whole.push_back(&Pop());
    return;
  }
  work.in_part = &request;
  work.begin = request.taken;
  work.end = work.begin + rows;
  ++request.parts_out;
  if (rows == left) {
    Pop();
  } else {
    rows_ -= rows;
  }
  request.taken = work.end;
}

void RequestQueue::MakeRoom(QueuedRequest& request, const ScoreResult& part) {
  if (request.joined != nullptr) return;
  if (free_results_.empty()) free_results_.push_back(std::make_unique<ScoreResult>());
  request.joined = std::move(free_results_.back());
  free_results_.pop_back();
  ScoreResult& joined = *request.joined;
  joined.rows = request.request.rows;
  joined.tasks.resize(part.tasks.size());
  for (size_t t = 0; t < part.tasks.size(); ++t) {
    joined.tasks[t].task = part.tasks[t].task;
    joined.tasks[t].outputs = part.tasks[t].outputs;
    joined.tasks[t].values.resize(joined.rows * part.tasks[t].outputs);
  }
  joined.ranking.resize(part.ranking.empty() ? 0 : joined.rows);
}

bool RequestQueue::FinishPart(QueuedRequest& request, const absl::Status& status) {
  --request.parts_out;
  if (!status.ok() && request.failure.ok()) request.failure = status;
  return request.finished();
}

void RequestQueue::Release(QueuedRequest* request) {
  request->taken = 0;
  if (request->joined != nullptr) free_results_.push_back(std::move(request->joined));
  request->snapshot = nullptr;
  request->failure = absl::OkStatus();
  request->request = PendingRequest();
  free_.push_back(request);
}

void CopyPart(const ScoreResult& part, int64_t begin, ScoreResult& joined) {
  for (size_t t = 0; t < part.tasks.size(); ++t) {
    const ScoredTask& from = part.tasks[t];
    std::copy(from.values.begin(), from.values.end(), joined.tasks[t].values.begin() + begin * from.outputs);
  }
  std::copy(part.ranking.begin(), part.ranking.end(), joined.ranking.begin() + begin);
}

}  // namespace polyscene
