// Rows of a file as the server would accept them.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "model/data/event_reader.h"
#include "model/feature/hash_key.h"
#include "model/feature/validation.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// What is wrong with each bad row, ascending. Then replaces personal values by their keyed ids, as the server does
// before it logs: only so do rows of files and rows of requests meet in one embedding row.
std::vector<RowError> CheckAndHash(const ModelSpec& spec, const HashKey& key, EventTable& table);

// The rows that have no error: [begin, end), ascending, none empty.
std::vector<std::pair<int64_t, int64_t>> GoodRanges(int64_t rows, const std::vector<RowError>& errors);

}  // namespace polyscene
