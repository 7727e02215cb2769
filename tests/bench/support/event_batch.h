// Rows as a producer sends them.
#pragma once

#include <cstdint>

#include "model/data/columns.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/training.pb.h"

namespace polyscene {

// Rows of the scene (index), of which every second one has a label of 1 for each task and the others 0.
inline v1::EventBatch ToEventBatch(const ModelSpec& spec, int scene, const Table& table) {
  v1::EventBatch batch;
  batch.set_scene(spec.scenes()[scene].name);
  batch.set_rows(static_cast<uint32_t>(table.rows));
  for (const Column& from : table.columns) {
    v1::Column& column = *batch.add_columns();
    column.set_name(from.name);
    column.mutable_ints()->Add(from.ints.begin(), from.ints.end());
    column.mutable_floats()->Add(from.floats.begin(), from.floats.end());
  }
  for (const int task : spec.scenes()[scene].tasks) {
    v1::Labels& labels = *batch.add_labels();
    labels.set_task(spec.tasks()[task].name);
    for (int64_t row = 0; row < table.rows; ++row) labels.add_values(static_cast<float>(row % 2));
  }
  return batch;
}

}  // namespace polyscene
