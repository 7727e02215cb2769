// A request of a replay, from its rows to its answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/replay/request_groups.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/prediction.pb.h"

namespace polyscene::replay {

// One row's labels, until they are known.
struct OpenLabels {
  int64_t label_at = 0;
  int64_t event_at = 0;  // As ReplayRow's.
  uint32_t row = 0;      // Of its request.
  // The labels of ModelSpec::tasks() one after the other, label_width each, in their own units; NaN: none.
  std::vector<float> labels;
  float weight = 1;
  int64_t line = 0;
  uint32_t file = 0;
  std::string text;  // As the file has it, where that is kept.
};

// Scores of one task. values: [rows, outputs].
struct Answered {
  int task = 0;  // Index into ModelSpec::tasks().
  std::vector<float> values;
};

// What stays of a request once it is answered.
struct RememberedRequest {
  std::string id;
  int scene = 0;
  int64_t predict_at = 0;
  std::vector<Answered> scores;
};

// The Predict request of `group` under `id`: remembered, durably, at its event time. A column that no row has is left
// out.
v1::PredictRequest RequestOf(const ModelSpec& spec, const RowGroup& group, const std::string& id);

// What is to be kept of row `row` of the group; without any label nothing is, and `labels` is empty.
OpenLabels LabelsOf(const ModelSpec& spec, const RowGroup& group, size_t row);

// kInternal: the answer does not have `rows` rows of each task that it has.
absl::Status TakeScores(const ModelSpec& spec, const v1::PredictResponse& response, size_t rows,
                        std::vector<Answered>& scores);

}  // namespace polyscene::replay
