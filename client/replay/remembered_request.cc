#include "client/replay/remembered_request.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/lib/encode.h"

namespace polyscene::replay {
namespace {

template <typename T>
void Append(const std::vector<T>& values, std::vector<T>& to) {
  to.insert(to.end(), values.begin(), values.end());
}

// The values of column `index` of the first `rows` rows.
Column Gather(const RowGroup& group, size_t index, size_t rows) {
  const Column& first = group.rows[0].table.features.columns[index];
  Column column;
  column.name = first.name;
  column.type = first.type;
  for (size_t row = 0; row < rows; ++row) {
    const Column& one = group.rows[row].table.features.columns[index];
    if (!one.missing.empty()) column.missing.push_back(static_cast<uint32_t>(row));
    Append(one.ints, column.ints);
    Append(one.floats, column.floats);
    Append(one.strings, column.strings);
    Append(one.lengths, column.lengths);
  }
  return column;
}

}  // namespace

v1::PredictRequest RequestOf(const ModelSpec& spec, const RowGroup& group, const std::string& id) {
  v1::PredictRequest request;
  request.set_scene(spec.scenes()[group.scene].name);
  request.set_request_id(id);
  request.set_remember(true);
  request.set_wait_until_remembered(true);
  request.set_event_time_micros(group.predict_at);
  const bool ranks = spec.scenes()[group.scene].has_candidates;
  for (size_t c = 0; c < group.rows[0].table.features.columns.size(); ++c) {
    const bool candidate = spec.features()[spec.FindFeature(group.rows[0].table.features.columns[c].name)].candidate;
    const size_t rows = ranks && !candidate ? 1 : group.rows.size();
    Column column = Gather(group, c, rows);
    if (column.missing.size() == rows) continue;
    *(candidate ? request.add_candidates() : request.add_context()) = client::EncodeColumn(std::move(column));
  }
  return request;
}

OpenLabels LabelsOf(const ModelSpec& spec, const RowGroup& group, size_t row) {
  const ReplayRow& from = group.rows[row];
  OpenLabels open;
  open.label_at = from.label_at;
  open.event_at = from.event_at;
  open.row = static_cast<uint32_t>(row);
  bool any = false;
  for (const TaskSpec& task : spec.tasks()) {
    const auto labels = std::find_if(from.table.labels.begin(), from.table.labels.end(),
                                     [&](const EventTable::Labels& l) { return l.task == task.name; });
    const bool has = labels != from.table.labels.end() && labels->missing.empty();
    if (has) {
      Append(labels->values, open.labels);
    } else {
      open.labels.resize(open.labels.size() + static_cast<size_t>(task.label_width),
                         std::numeric_limits<float>::quiet_NaN());
    }
    any |= has;
  }
  if (!any) open.labels.clear();
  if (!from.table.weights.empty()) open.weight = from.table.weights[0];
  open.line = from.table.lines[0];
  if (!from.table.files.empty()) open.file = from.table.files[0];
  if (!from.table.texts.empty()) open.text = from.table.texts[0];
  return open;
}

absl::Status TakeScores(const ModelSpec& spec, const v1::PredictResponse& response, size_t rows,
                        std::vector<Answered>& scores) {
  for (const v1::TaskScores& answer : response.scores()) {
    const int task = spec.FindTask(answer.task());
    if (task < 0) continue;  // The server has another model by now.
    const size_t expected = rows * static_cast<size_t>(spec.tasks()[task].outputs);
    if (static_cast<size_t>(answer.values_size()) != expected) {
      return absl::InternalError(absl::StrCat("the answer has ", answer.values_size(), " scores of task '",
                                              answer.task(), "' for ", rows, " rows, expected ", expected));
    }
    scores.push_back({task, {answer.values().begin(), answer.values().end()}});
  }
  return absl::OkStatus();
}

}  // namespace polyscene::replay
