// A step's labels, task by task.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "model/data/example_slice.h"
#include "model/spec/model_spec.h"

namespace polyscene {

struct TaskLabels {
  std::vector<float> values;      // [rows, label width], in the label's own unit; 0 where there is none.
  std::vector<float> weights;     // [rows] 0 where there is no label.
  std::vector<int64_t> labelled;  // Rows that have one, ascending.
  int64_t weighted = 0;           // Rows whose weight is not 0; below 0 it takes back what was learned (corrections).
};

// Collects the labels of the slices' rows, numbered as they come. A label outside `missing_outside` counts as missing,
// as does one that `defined_when` takes out: its condition's label is that of the same row here, whether it counts
// itself or not.
// `labels`: [tasks], re-used from step to step. Returns the number of rows.
int64_t CollectLabels(const ModelSpec& spec, absl::Span<const ExampleSlice> slices, std::vector<TaskLabels>& labels);

}  // namespace polyscene
