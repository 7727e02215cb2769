// Labelled rows as training from files takes them: encoded once, learned in any order.
#pragma once

#include <cstdint>
#include <vector>

#include "model/feature/encoded_batch.h"
#include "model/feature/task_labels.h"

namespace polyscene {

struct EncodedExamples {
  EncodedBatch inputs;
  std::vector<TaskLabels> labels;           // [tasks]
  std::vector<int64_t> event_times_micros;  // [rows] 0: unknown.

  int64_t rows() const { return inputs.rows; }
};

}  // namespace polyscene
