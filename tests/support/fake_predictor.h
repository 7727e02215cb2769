// A Predictor without LibTorch, whose scores can be computed in the head.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "model/serving/predictor.h"
#include "model/spec/model_spec.h"
#include "server/sync/mutex.h"

namespace polyscene {

// A row's score for a task is the sum of its INT64 and FLOAT values (context and candidate; a missing one counts 0),
// plus the task's index, plus 1,000 x the snapshot's version. It ranks by the first task's score where the scene has
// `rank_by`. Personal values arrive hashed and are left out. Any thread may call any method.
class FakePredictor : public Predictor {
 public:
  explicit FakePredictor(std::shared_ptr<const ModelSpec> spec) : spec_(std::move(spec)) {}

  absl::Status ScoreInto(const Snapshot& snapshot, absl::Span<const ScoreRequest> requests,
                         absl::Span<ScoreResult> results) override;

  void FailWith(absl::Status status);  // What every later call answers; OK: scores again.
  void Hold();                         // Later calls block until Release().
  void Release();
  void WaitUntilHeld(int calls);  // Until so many calls are blocked.

  std::vector<std::vector<int64_t>> batches() const;  // Of each call, the rows of its requests.

 private:
  double RowSum(const TableView& table, int64_t row) const;
  ScoreResult ScoreOne(const Snapshot& snapshot, const ScoreRequest& request) const;

  const std::shared_ptr<const ModelSpec> spec_;

  mutable Mutex mu_;
  CondVar changed_;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  int held_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::vector<int64_t>> batches_ ABSL_GUARDED_BY(mu_);
};

}  // namespace polyscene
