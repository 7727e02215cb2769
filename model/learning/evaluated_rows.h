// A step's rows, as evaluation counts them.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "model/data/example_slice.h"
#include "model/evaluation/evaluation.h"
#include "model/evaluation/producer_evaluations.h"
#include "model/feature/task_labels.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Rows are numbered over the slices as they come. Borrows everything it is made of; not thread-safe.
class EvaluatedRows {
 public:
  EvaluatedRows(const ModelSpec& spec, absl::Span<const ExampleSlice> slices, const std::vector<TaskLabels>& labels,
                ProducerEvaluations& opened);

  // Whether `row` corrects what was learned before: then its label is no news, and it is not evaluated.
  bool corrects(int64_t row) const { return !rows_.empty() && rows_[row].corrects; }

  // The evaluation that `row` counts in beside the recent window; null for none.
  ProducerEvaluations::Opened* opened(int64_t row) const { return rows_.empty() ? nullptr : rows_[row].opened; }

  // Its event time; 0 where that was not told.
  int64_t event_micros(int64_t row) const { return event_micros_[row]; }

  // The label of `row` for `task`, on the scale that evaluation uses: [label width].
  void LabelOf(int task, int64_t row, std::vector<float>& label) const;

  // Adds every labelled row that callers were served a score for to `window` and to its opened evaluation.
  void AddServed(EvaluationWindow& window) const;

 private:
  struct Row {
    ProducerEvaluations::Opened* opened = nullptr;
    bool corrects = false;
  };

  void AddServed(const ExampleSlice& slice, int64_t first_row, EvaluationWindow& window) const;

  const ModelSpec& spec_;
  const absl::Span<const ExampleSlice> slices_;
  const std::vector<TaskLabels>& labels_;
  std::vector<Row> rows_;              // [rows]; empty where every row is Row().
  std::vector<int64_t> event_micros_;  // [rows]
};

}  // namespace polyscene
