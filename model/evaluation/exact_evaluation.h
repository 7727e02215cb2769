// An evaluation whose AUC is exact.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/evaluation/evaluation.h"

namespace polyscene {

// Evaluation's figures, but binary tasks' AUC over the scores themselves, ties averaged. Memory follows the distinct
// scores, 12 bytes each: once there are more than `max_scores` of them over all cells, they are let go of, and AUC
// comes from Evaluation's bins from then on (within 1e-4).
//
// Not thread-safe, not even its const methods. Copyable.
class ExactEvaluation {
 public:
  static constexpr int64_t kMaxScores = 500'000;

  explicit ExactEvaluation(EvaluationLayout layout, int64_t max_scores = kMaxScores);

  // As Evaluation's.
  void Add(int scene, int task, absl::Span<const float> prediction, absl::Span<const float> label);
  std::vector<EvaluationFigure> Figures() const;
  std::string Serialize() const;
  static absl::StatusOr<ExactEvaluation> Parse(EvaluationLayout layout, absl::string_view bytes,
                                               int64_t max_scores = kMaxScores);

  bool exact() const { return exact_; }
  bool empty() const { return empty_; }  // Nothing was added.

 private:
  // Rows of one score.
  struct Tally {
    float score = 0;
    uint32_t negatives = 0;
    uint32_t positives = 0;
  };
  // Of one cell. Adding is cheap and reading sorts what was added since, so that figures asked for often cost little.
  struct Scores {
    std::vector<Tally> sorted;  // Ascending, each score once.
    std::vector<Tally> added;   // Since, as they came.
  };

  void SortAll() const;  // Empties every `added`; lets the scores go if there are too many.
  static void Sort(Scores& scores);
  static double Auc(absl::Span<const Tally> sorted);

  EvaluationLayout layout_;
  int64_t max_scores_;
  Evaluation sums_;
  bool empty_ = true;
  mutable bool exact_ = true;
  mutable std::vector<Scores> cells_;  // [scenes, tasks]; empty ones for tasks that are not binary, and once not exact.
  mutable int64_t scores_ = 0;         // In all cells, those added since counted each.
};

}  // namespace polyscene
