// Takes rows out of a batch.
#pragma once

#include <cstdint>
#include <vector>

#include "model/spec/model_spec.h"
#include "polyscene/v1/training.pb.h"

namespace polyscene {

// Keeps the rows of a validated `batch` that `keep` marks ([rows]), in their order.
void KeepRows(const ModelSpec& spec, const std::vector<bool>& keep, v1::EventBatch* batch);

// Takes every row out, of a batch that need not be valid. Its sequence stays, and its scene if the model file has it.
void KeepNoRows(const ModelSpec& spec, v1::EventBatch* batch);

// Keeps the rows of a validated batch that `kept` names, ascending, in their order.
void KeepRows(const ModelSpec& spec, const std::vector<uint32_t>& kept, v1::LabelBatch* batch);
void KeepRows(const std::vector<uint32_t>& kept, v1::ExposureBatch* batch);

}  // namespace polyscene
