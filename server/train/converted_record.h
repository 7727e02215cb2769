// A record of the event log, as rows of a model file that may be another than it was logged under.
#pragma once

#include <vector>

#include "model/data/event_reader.h"
#include "model/feature/validation.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/record.pb.h"

namespace polyscene {

// Fills `table` with what `spec` has of the record's events; `scene` is the index of their scene in it. Returns why
// rows are bad, ascending by row.
std::vector<RowError> ConvertRecord(const ModelSpec& spec, int scene, const v1::LogRecord& record, EventTable* table);

}  // namespace polyscene
