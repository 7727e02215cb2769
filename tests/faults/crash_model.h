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

// Requests whose scores show the weights: of both scenes, with ids that are learned often, seldom and never.
std::vector<v1::PredictRequest> CrashRequests();

}  // namespace polyscene
