// Labels and exposures of remembered requests, as they came: what can be checked without the requests.
#pragma once

#include <cstdint>
#include <vector>

#include "model/feature/validation.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/training.pb.h"

namespace polyscene {

struct CheckedRows {
  std::vector<RowError> errors;  // Why rows were refused, numbered as they came; as AcceptEvents() answers.
  std::vector<uint32_t> kept;    // The number that each row left had as it came, ascending.
};

// Validates `batch` and takes its bad rows out.
CheckedRows AcceptLabels(const ModelSpec& spec, int64_t max_rows, v1::LabelBatch* batch);

// Likewise; rows are numbered through all exposures. One whose request id or time is bad loses every row.
CheckedRows AcceptExposures(int64_t max_rows, v1::ExposureBatch* batch);

// How many rows they have, as they came.
int64_t RowsOf(const v1::LabelBatch& batch);
int64_t RowsOf(const v1::ExposureBatch& batch);

}  // namespace polyscene
