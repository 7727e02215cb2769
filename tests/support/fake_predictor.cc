#include "tests/support/fake_predictor.h"

#include <algorithm>
#include <utility>

namespace polyscene {
namespace {

int64_t RowsOf(const ScoreRequest& request) {
  const bool has_candidates = request.candidates != nullptr && request.candidates->rows > 0;
  return has_candidates ? request.candidates->rows : request.context->rows;
}

}  // namespace

double FakePredictor::RowSum(const TableView& table, int64_t row) const {
  double sum = 0;
  for (const ColumnView& column : table.columns) {
    if (spec_->features()[spec_->FindFeature(column.name)].personal || !column.lengths.empty()) continue;
    if (std::binary_search(column.missing.begin(), column.missing.end(), static_cast<uint32_t>(row))) continue;
    if (!column.ints.empty()) sum += static_cast<double>(column.ints[row]);
    if (!column.floats.empty()) sum += column.floats[row];
  }
  return sum;
}

ScoreResult FakePredictor::ScoreOne(const Snapshot& snapshot, const ScoreRequest& request) const {
  ScoreResult result;
  result.rows = RowsOf(request);
  const bool shared_context = request.candidates != nullptr;
  for (const int task : request.tasks) {
    ScoredTask scored;
    scored.task = task;
    for (int64_t row = 0; row < result.rows; ++row) {
      double score = RowSum(*request.context, shared_context ? 0 : row) + task;
      if (shared_context) score += RowSum(*request.candidates, row);
      scored.values.push_back(static_cast<float>(score + 1000.0 * static_cast<double>(snapshot.info().version)));
    }
    result.tasks.push_back(std::move(scored));
  }
  const bool all_tasks = request.tasks.size() == spec_->scenes()[request.scene].tasks.size();
  if (!spec_->scenes()[request.scene].rank_by.empty() && all_tasks) result.ranking = result.tasks[0].values;
  return result;
}

absl::Status FakePredictor::ScoreInto(const Snapshot& snapshot, absl::Span<const ScoreRequest> requests,
                                      absl::Span<ScoreResult> results) {
  {
    MutexLock lock(&mu_);
    std::vector<int64_t>& rows = batches_.emplace_back();
    for (const ScoreRequest& request : requests) rows.push_back(RowsOf(request));
    ++held_;
    changed_.SignalAll();
    while (holding_) changed_.Wait(&mu_);
    --held_;
    if (!failure_.ok()) return failure_;
  }
  for (size_t i = 0; i < requests.size(); ++i) results[i] = ScoreOne(snapshot, requests[i]);
  return absl::OkStatus();
}

void FakePredictor::FailWith(absl::Status status) {
  MutexLock lock(&mu_);
  failure_ = std::move(status);
}

void FakePredictor::Hold() {
  MutexLock lock(&mu_);
  holding_ = true;
}

void FakePredictor::Release() {
  MutexLock lock(&mu_);
  holding_ = false;
  changed_.SignalAll();
}

void FakePredictor::WaitUntilHeld(int calls) {
  MutexLock lock(&mu_);
  while (held_ < calls) changed_.Wait(&mu_);
}

std::vector<std::vector<int64_t>> FakePredictor::batches() const {
  MutexLock lock(&mu_);
  return batches_;
}

}  // namespace polyscene
