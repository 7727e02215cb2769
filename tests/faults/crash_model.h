// The model that the crash harness learns, and rows for it that anybody can make again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "polyscene/v1/prediction.pb.h"
#include "polyscene/v1/training.pb.h"

namespace polyscene {

// Two scenes, three tasks, embeddings shared and not, numeric features with statistics; steps of 32 rows, a publish
// every 50 ms, a checkpoint every half second: many moments to be killed at.
const char* CrashModelText();

// The batch with this sequence of this producer: always the same. 1 to 24 rows; in every 11th one row is bad.
v1::EventBatch CrashBatch(int producer, uint64_t sequence);

int64_t GoodRows(const v1::EventBatch& batch);                // Those that the server must accept.
std::vector<int64_t> GoodItems(const v1::EventBatch& batch);  // The values of `item` in them.

// A request to be remembered, what was shown of it (all rows but the last), and its labels of one task (of every row:
// the last one's is refused).
inline constexpr int kRememberedRows = 4;
v1::PredictRequest RequestToRemember(uint64_t number);
std::string RequestName(uint64_t number);
v1::ExposureBatch ExposuresOf(uint64_t number);
v1::LabelBatch LabelsOf(uint64_t number, const std::string& task);
float LateLabel(uint64_t number, int row, const std::string& task);

// Requests whose scores show the weights: of both scenes, with ids that are learned often, seldom and never.
std::vector<v1::PredictRequest> CrashRequests();

}  // namespace polyscene
