// A network's logits through the calibration behind it.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "absl/types/span.h"
#include "model/loss/calibrations.h"
#include "model/network/wanted.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// The logits whose sigmoid evaluation and serving tell: `logits` [n, outputs] of the rows that `want` names, each with
// the numbers of its scene; as they came where its task has no calibration. scenes: [rows of the batch].
torch::Tensor CalibratedLogits(const ModelSpec& spec, const Calibrations& calibrations, const WantedTask& want,
                               absl::Span<const int32_t> scenes, const torch::Tensor& logits);

}  // namespace polyscene
