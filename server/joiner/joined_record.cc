#include "server/joiner/joined_record.h"

#include <algorithm>
#include <utility>

namespace polyscene {
namespace {

bool IsMissing(const google::protobuf::RepeatedField<uint32_t>& missing, uint32_t row) {
  return std::binary_search(missing.begin(), missing.end(), row);
}

// Copies one row of `from`, whose values begin at `start`, behind those of `to`; the bytes that it copied.
size_t CopyValues(const v1::Column& from, uint32_t start, uint32_t count, v1::Column* to) {
  const int begin = static_cast<int>(start);
  const int end = static_cast<int>(start + count);
  if (!from.ints().empty()) to->mutable_ints()->Add(from.ints().begin() + begin, from.ints().begin() + end);
  if (!from.floats().empty()) to->mutable_floats()->Add(from.floats().begin() + begin, from.floats().begin() + end);
  size_t bytes = count * ((from.ints().empty() ? 0 : sizeof(int64_t)) + (from.floats().empty() ? 0 : sizeof(float)));
  for (int i = begin; i < end && !from.strings().empty(); ++i) {
    to->add_strings(from.strings(i));
    bytes += from.strings(i).size() + 2;  // And its tag and length.
  }
  return bytes;
}

// Lengthens `to` by rows that have no value, from its `filled` rows to `rows`.
void FillMissing(const FeatureSpec& feature, uint32_t* filled, uint32_t rows, v1::Column* to) {
  for (; *filled < rows; ++*filled) {
    to->add_missing_rows(*filled);
    if (feature.sequence) {
      to->add_lengths(0);
    } else if (feature.personal || feature.type == ValueType::kInt64) {  // Personal values are remembered as ids.
      to->add_ints(0);
    } else if (feature.type == ValueType::kFloat) {
      to->add_floats(0);
    } else {
      to->add_strings("");
    }
  }
}

// The same for labels or scores of `width` values a row.
template <typename Message>
void FillMissing(int width, uint32_t* filled, uint32_t rows, Message* to) {
  for (; *filled < rows; ++*filled) {
    to->add_missing_rows(*filled);
    for (int i = 0; i < width; ++i) to->add_values(0);
  }
}

}  // namespace

JoinedRecord::JoinedRecord(const ModelSpec& spec, int scene)
    : spec_(spec),
      scene_(scene),
      column_of_feature_(spec.features().size(), -1),
      labels_of_task_(spec.tasks().size(), -1),
      served_of_task_(spec.tasks().size(), -1) {
  record_.mutable_events()->set_scene(spec.scenes()[scene].name);
  for (size_t f = 0; f < spec.features().size(); ++f) {
    if (spec.features()[f].exposed_position && spec.scenes()[scene].has_feature[f]) {
      position_features_.push_back(static_cast<int>(f));
    }
  }
}

void JoinedRecord::Add(const Row& row) {
  AddColumns(row);
  AddLabels(row);
  AddServed(row);
  v1::JoinedRows& joined = *record_.mutable_joined();
  const auto [id, added] = requests_.emplace(row.request->id, static_cast<uint32_t>(requests_.size()));
  if (added) joined.add_request_ids(row.request->id);
  joined.add_request(id->second);
  joined.add_row(row.row);
  joined.add_positions(row.position);
  if (row.correction) joined.add_correction_rows(rows_);
  weights_.push_back(row.weight);
  weighted_ = weighted_ || row.weight != 1;
  record_.mutable_events()->add_event_times_micros(row.request->message.event_time_micros());
  ++rows_;
}

int JoinedRecord::ColumnFor(int feature) {
  v1::EventBatch& events = *record_.mutable_events();
  int& index = column_of_feature_[feature];
  if (index < 0) {
    index = events.columns_size();
    events.add_columns()->set_name(spec_.features()[feature].name);
    column_rows_.push_back(0);
  }
  FillMissing(spec_.features()[feature], &column_rows_[index], rows_, events.mutable_columns(index));
  return index;
}

void JoinedRecord::AddColumns(const Row& row) {
  v1::EventBatch& events = *record_.mutable_events();
  for (const int feature : position_features_) {
    if (row.position == 0) continue;
    const int index = ColumnFor(feature);
    events.mutable_columns(index)->add_ints(row.position);
    value_bytes_ += sizeof(int64_t);
    ++column_rows_[index];
  }
  for (const StoredRequest::ColumnOf& from : row.request->columns) {
    if (spec_.features()[from.feature].exposed_position) continue;  // Only an exposure knows.
    const int index = ColumnFor(from.feature);
    v1::Column* to = events.mutable_columns(index);
    const uint32_t source = from.one_row ? 0 : row.row;
    if (IsMissing(from.column->missing_rows(), source)) to->add_missing_rows(rows_);
    if (spec_.features()[from.feature].sequence) {
      const uint32_t length = from.column->lengths(static_cast<int>(source));
      to->add_lengths(length);
      value_bytes_ += CopyValues(*from.column, from.starts[source], length, to);
    } else {
      value_bytes_ += CopyValues(*from.column, source, 1, to);
    }
    ++column_rows_[index];
  }
}

void JoinedRecord::AddLabels(const Row& row) {
  v1::EventBatch& events = *record_.mutable_events();
  for (const Label& label : row.labels) {
    int& index = labels_of_task_[label.task];
    const TaskSpec& task = spec_.tasks()[label.task];
    if (index < 0) {
      index = events.labels_size();
      events.add_labels()->set_task(task.name);
      labels_rows_.push_back(0);
    }
    v1::Labels* to = events.mutable_labels(index);
    FillMissing(task.label_width, &labels_rows_[index], rows_, to);
    to->mutable_values()->Add(label.values.begin(), label.values.end());
    ++labels_rows_[index];
  }
}

void JoinedRecord::AddServed(const Row& row) {
  v1::JoinedRows& joined = *record_.mutable_joined();
  for (const StoredRequest::ServedOf& from : row.request->served) {
    if (IsMissing(from.scores->missing_rows(), row.row)) continue;
    int& index = served_of_task_[from.task];
    const int outputs = spec_.tasks()[from.task].outputs;
    if (index < 0) {
      index = joined.served_size();
      joined.add_served()->set_task(from.scores->task());
      served_rows_.push_back(0);
    }
    v1::ServedScores* to = joined.mutable_served(index);
    FillMissing(outputs, &served_rows_[index], rows_, to);
    const auto begin = from.scores->values().begin() + static_cast<int64_t>(row.row) * outputs;
    to->mutable_values()->Add(begin, begin + outputs);
    ++served_rows_[index];
  }
}

v1::LogRecord JoinedRecord::Take() {
  v1::EventBatch& events = *record_.mutable_events();
  events.set_rows(rows_);
  if (weighted_) events.mutable_weights()->Add(weights_.begin(), weights_.end());
  for (size_t feature = 0; feature < column_of_feature_.size(); ++feature) {
    const int index = column_of_feature_[feature];
    if (index < 0) continue;
    FillMissing(spec_.features()[feature], &column_rows_[index], rows_, events.mutable_columns(index));
  }
  for (size_t task = 0; task < labels_of_task_.size(); ++task) {
    if (const int index = labels_of_task_[task]; index >= 0) {
      FillMissing(spec_.tasks()[task].label_width, &labels_rows_[index], rows_, events.mutable_labels(index));
    }
    if (const int index = served_of_task_[task]; index >= 0) {
      FillMissing(spec_.tasks()[task].outputs, &served_rows_[index], rows_,
                  record_.mutable_joined()->mutable_served(index));
    }
  }
  return std::move(record_);
}

}  // namespace polyscene
