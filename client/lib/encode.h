// Rows as the wire carries them.
#pragma once

#include "model/data/columns.h"
#include "model/data/event_reader.h"
#include "polyscene/v1/features.pb.h"
#include "polyscene/v1/training.pb.h"

namespace polyscene::client {

// Strings are moved, numbers copied as blocks.
v1::Column EncodeColumn(Column column);

// A batch without its sequence, which EventStream gives. Columns and labels that no row has are left out.
v1::EventBatch EncodeBatch(EventTable table);

}  // namespace polyscene::client
