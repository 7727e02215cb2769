#include "client/lib/encode.h"

#include <utility>

namespace polyscene::client {
namespace {

template <typename From, typename To>
void CopyBlock(const From& from, To* to) {
  to->Add(from.begin(), from.end());
}

}  // namespace

v1::Column EncodeColumn(Column column) {
  v1::Column out;
  out.set_name(std::move(column.name));
  CopyBlock(column.ints, out.mutable_ints());
  CopyBlock(column.floats, out.mutable_floats());
  out.mutable_strings()->Reserve(static_cast<int>(column.strings.size()));
  for (std::string& value : column.strings) out.add_strings(std::move(value));
  CopyBlock(column.missing, out.mutable_missing_rows());
  CopyBlock(column.lengths, out.mutable_lengths());
  return out;
}

v1::EventBatch EncodeBatch(EventTable table) {
  v1::EventBatch batch;
  const size_t rows = static_cast<size_t>(table.rows());
  batch.set_scene(std::move(table.scene));
  batch.set_rows(static_cast<uint32_t>(rows));
  for (Column& column : table.features.columns) {
    if (column.missing.size() < rows) *batch.add_columns() = EncodeColumn(std::move(column));
  }
  for (EventTable::Labels& labels : table.labels) {
    if (labels.missing.size() == rows) continue;
    v1::Labels* const out = batch.add_labels();
    out->set_task(std::move(labels.task));
    CopyBlock(labels.values, out->mutable_values());
    CopyBlock(labels.missing, out->mutable_missing_rows());
  }
  CopyBlock(table.event_times_micros, batch.mutable_event_times_micros());
  CopyBlock(table.weights, batch.mutable_weights());
  return batch;
}

}  // namespace polyscene::client
