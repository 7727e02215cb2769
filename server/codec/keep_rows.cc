#include "server/codec/keep_rows.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/repeated_field.h"

namespace polyscene {
namespace {

// Moves kept entries to the front, `width` an entry a row, and cuts the rest off.
template <typename T>
void KeepValues(const std::vector<bool>& keep, int width, google::protobuf::RepeatedField<T>* values) {
  if (values->empty()) return;
  int out = 0;
  for (int row = 0; row < static_cast<int>(keep.size()); ++row) {
    if (!keep[row]) continue;
    for (int i = 0; i < width; ++i) values->Set(out++, values->Get(row * width + i));
  }
  values->Truncate(out);
}

// The same, lengths[r] entries for row r.
template <typename T>
void KeepSequences(const std::vector<bool>& keep, const google::protobuf::RepeatedField<uint32_t>& lengths,
                   google::protobuf::RepeatedField<T>* values) {
  if (values->empty()) return;
  int in = 0, out = 0;
  for (int row = 0; row < static_cast<int>(keep.size()); ++row) {
    for (uint32_t i = 0; i < lengths.Get(row); ++i, ++in) {
      if (keep[row]) values->Set(out++, values->Get(in));
    }
  }
  values->Truncate(out);
}

void KeepStrings(const std::vector<bool>& keep, const google::protobuf::RepeatedField<uint32_t>& lengths,
                 google::protobuf::RepeatedPtrField<std::string>* values) {
  if (values->empty()) return;
  int in = 0, out = 0;
  for (int row = 0; row < static_cast<int>(keep.size()); ++row) {
    const int count = lengths.empty() ? 1 : static_cast<int>(lengths.Get(row));
    for (int i = 0; i < count; ++i, ++in) {
      if (keep[row]) values->SwapElements(out++, in);
    }
  }
  values->DeleteSubrange(out, values->size() - out);
}

// Row numbers that are kept, renumbered. new_rows: [rows] what each kept row's number becomes.
void KeepRowNumbers(const std::vector<bool>& keep, const std::vector<uint32_t>& new_rows,
                    google::protobuf::RepeatedField<uint32_t>* rows) {
  int out = 0;
  for (int i = 0; i < rows->size(); ++i) {
    const uint32_t row = rows->Get(i);
    if (keep[row]) rows->Set(out++, new_rows[row]);
  }
  rows->Truncate(out);
}

void KeepColumnRows(const std::vector<bool>& keep, const std::vector<uint32_t>& new_rows, v1::Column* column) {
  KeepStrings(keep, column->lengths(), column->mutable_strings());
  if (column->lengths().empty()) {
    KeepValues(keep, 1, column->mutable_ints());
    KeepValues(keep, 1, column->mutable_floats());
  } else {
    KeepSequences(keep, column->lengths(), column->mutable_ints());
    KeepSequences(keep, column->lengths(), column->mutable_floats());
    KeepValues(keep, 1, column->mutable_lengths());
  }
  KeepRowNumbers(keep, new_rows, column->mutable_missing_rows());
}

// What each row's number becomes where it is kept, and how many are.
std::vector<uint32_t> NewNumbers(const std::vector<bool>& keep, uint32_t* kept) {
  std::vector<uint32_t> new_rows(keep.size());
  *kept = 0;
  for (size_t row = 0; row < keep.size(); ++row) {
    new_rows[row] = *kept;
    if (keep[row]) ++*kept;
  }
  return new_rows;
}

void KeepLabels(const ModelSpec& spec, const std::vector<bool>& keep, const std::vector<uint32_t>& new_rows,
                google::protobuf::RepeatedPtrField<v1::Labels>* batch) {
  for (v1::Labels& labels : *batch) {
    KeepValues(keep, spec.tasks()[spec.FindTask(labels.task())].label_width, labels.mutable_values());
    KeepRowNumbers(keep, new_rows, labels.mutable_missing_rows());
  }
}

std::vector<bool> Marked(const std::vector<uint32_t>& kept, size_t rows) {
  std::vector<bool> keep(rows);
  for (const uint32_t row : kept) keep[row] = true;
  return keep;
}

}  // namespace

void KeepRows(const ModelSpec& spec, const std::vector<bool>& keep, v1::EventBatch* batch) {
  uint32_t kept = 0;
  const std::vector<uint32_t> new_rows = NewNumbers(keep, &kept);
  for (v1::Column& column : *batch->mutable_columns()) KeepColumnRows(keep, new_rows, &column);
  KeepLabels(spec, keep, new_rows, batch->mutable_labels());
  KeepValues(keep, 1, batch->mutable_event_times_micros());
  KeepValues(keep, 1, batch->mutable_weights());
  batch->set_rows(kept);
}

void KeepRows(const ModelSpec& spec, const std::vector<uint32_t>& kept, v1::LabelBatch* batch) {
  const std::vector<bool> keep = Marked(kept, static_cast<size_t>(batch->request_size()));
  uint32_t count = 0;
  const std::vector<uint32_t> new_rows = NewNumbers(keep, &count);
  KeepLabels(spec, keep, new_rows, batch->mutable_labels());
  KeepValues(keep, 1, batch->mutable_request());
  KeepValues(keep, 1, batch->mutable_row());
  KeepValues(keep, 1, batch->mutable_label_times_micros());
  KeepValues(keep, 1, batch->mutable_weights());
}

void KeepRows(const std::vector<uint32_t>& kept, v1::ExposureBatch* batch) {
  auto next = kept.begin();
  uint32_t first = 0;
  for (v1::Exposure& exposure : *batch->mutable_exposures()) {
    const uint32_t end = first + static_cast<uint32_t>(exposure.rows_size());
    std::vector<bool> keep(static_cast<size_t>(exposure.rows_size()));
    for (; next != kept.end() && *next < end; ++next) keep[*next - first] = true;
    // Positions that are ragged belong to an exposure that keeps nothing.
    if (exposure.positions_size() == exposure.rows_size()) {
      KeepValues(keep, 1, exposure.mutable_positions());
    } else {
      exposure.clear_positions();
    }
    KeepValues(keep, 1, exposure.mutable_rows());
    first = end;
  }
  const auto empty = [](const v1::Exposure& exposure) { return exposure.rows().empty(); };
  auto* exposures = batch->mutable_exposures();
  exposures->erase(std::remove_if(exposures->begin(), exposures->end(), empty), exposures->end());
}

void KeepNoRows(const ModelSpec& spec, v1::EventBatch* batch) {
  batch->clear_columns();
  batch->clear_labels();
  batch->clear_event_times_micros();
  batch->clear_weights();
  batch->set_rows(0);
  // A name that nothing knows may be of any size, and there is nothing left that it would describe.
  if (spec.FindScene(batch->scene()) < 0) batch->clear_scene();
}

}  // namespace polyscene
