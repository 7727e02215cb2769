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

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

void RequestQueue::Push(PendingRequest request, int64_t bytes, absl::Time now) {
  if (free_.empty()) free_.push_back(&pool_.emplace_back());
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

bool RequestQueue::FinishPart(QueuedRequest& request, absl::Status status, ScoredPart part) {
  --request.parts_out;
  if (status.ok()) {
    request.parts.push_back(std::move(part));
  } else if (request.failure.ok()) {
    request.failure = std::move(status);
  }
  return request.finished();
}

void RequestQueue::Release(QueuedRequest* request) {
  request->taken = 0;
  request->parts.clear();
  request->snapshot = nullptr;
  request->failure = absl::OkStatus();
  request->request = PendingRequest();
  free_.push_back(request);
}

ScoreResult JoinParts(std::vector<ScoredPart>& parts) {
  std::sort(parts.begin(), parts.end(), [](const ScoredPart& a, const ScoredPart& b) { return a.begin < b.begin; });
  ScoreResult joined;
  for (const ScoredPart& part : parts) joined.rows += part.result.rows;
  for (const ScoredTask& task : parts.front().result.tasks) {
    joined.tasks.push_back({task.task, task.outputs, {}});
    joined.tasks.back().values.reserve(joined.rows * task.outputs);
  }
  joined.ranking.reserve(parts.front().result.ranking.empty() ? 0 : joined.rows);
  const auto append = [](std::vector<float>& to, const std::vector<float>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (const ScoredPart& part : parts) {
    for (size_t t = 0; t < joined.tasks.size(); ++t) append(joined.tasks[t].values, part.result.tasks[t].values);
    append(joined.ranking, part.result.ranking);
  }
  return joined;
}

}  // namespace polyscene
