// A record of the event log as JSON. Private to this folder and its tests.
#pragma once

#include <cstdint>
#include <string>

#include "polyscene/v1/record.pb.h"

namespace polyscene {

// One line without its end. Keys as in record.proto and training.proto; columns, labels and served scores are objects
// by name with a value a row, null where it is missing. Integers of all sizes are numbers. Personal values are hashes.
std::string RecordJson(uint64_t offset, const v1::LogRecord& record);

}  // namespace polyscene
