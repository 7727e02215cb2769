// Scores rows that each have a context of their own, as data files have them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/feature/encoded_examples.h"
#include "model/feature/hash_key.h"
#include "model/serving/predictor.h"
#include "model/serving/snapshot.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// A Predictor's request has one context row, so a file of rows with different users would be as many requests; this
// takes them together. Not thread-safe.
class RowScorer {
 public:
  virtual ~RowScorer() = default;

  // Scores rows [begin, end) of `table`, of `scene` (index): context and candidate features alike, which
  // ValidateExamples() found good. Every task of the scene, and the ranking, as a Predictor answers each row up to
  // rounding.
  //   kResourceExhausted  the device has no memory left
  virtual absl::StatusOr<ScoreResult> Score(const Snapshot& snapshot, int scene, const TableView& table, int64_t begin,
                                            int64_t end) = 0;

  // A label of a row (its place in `rows`) and what was predicted, both as Evaluation::Add() takes them.
  using OnLabel =
      std::function<void(int64_t row, int task, absl::Span<const float> prediction, absl::Span<const float> label)>;

  // Scores rows that were encoded with the snapshot's statistics and tells of each label. Returns each task's mean loss
  // over the rows whose weight is above 0, [tasks]; NaN where there is none. ranking: not null: filled with what would
  // order the rows in an answer, [rows], or empty where their scene, one for all, ranks by nothing. Errors as Score().
  virtual absl::StatusOr<std::vector<double>> Evaluate(const Snapshot& snapshot, const EncodedExamples& rows,
                                                       const OnLabel& on_label,
                                                       std::vector<float>* ranking = nullptr) = 0;
};

// On `device` ("cpu" or "cuda:N", as the Learner's whose snapshots it gets), with that many LibTorch threads.
absl::StatusOr<std::unique_ptr<RowScorer>> CreateRowScorer(std::shared_ptr<const ModelSpec> spec, HashKey key,
                                                           const std::string& device, int threads);

}  // namespace polyscene
