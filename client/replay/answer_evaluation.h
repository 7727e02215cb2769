// How good the answers were that a replay got, by the labels that came later.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "client/replay/remembered_request.h"
#include "model/evaluation/exact_evaluation.h"
#include "model/spec/model_spec.h"

namespace polyscene::replay {

// Regressions and forecasts are evaluated on the scale that learning evaluates them on. Not thread-safe.
class AnswerEvaluation {
 public:
  enum class Counts {
    kPredicted,  // From the time at which it was predicted: what the server's served evaluation counts.
    kHappened,   // From the time at which it happened.
  };

  // from_micros: rows from then on count; 0 or less: all.
  AnswerEvaluation(std::shared_ptr<const ModelSpec> spec, int64_t from_micros, Counts counts = Counts::kPredicted);

  // tasks: whether each task's label counts, or empty: all.
  void Add(const RememberedRequest& request, const OpenLabels& labels, const std::vector<bool>& tasks = {});

  std::vector<EvaluationFigure> Figures() const { return evaluation_.Figures(); }
  bool exact() const { return evaluation_.exact(); }

 private:
  std::shared_ptr<const ModelSpec> spec_;
  int64_t from_micros_;
  Counts counts_;
  ExactEvaluation evaluation_;
};

// The largest absolute difference between two figures of one name. NaN where one of them has a figure that the other
// has not, or of another number of rows: they are not of the same rows then.
double LargestDifference(const std::vector<EvaluationFigure>& a, const std::vector<EvaluationFigure>& b);

}  // namespace polyscene::replay
