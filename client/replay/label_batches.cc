#include "client/replay/label_batches.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace polyscene::replay {

void LabelSchedule::Add(DueLabels labels) {
  const int64_t at = labels.labels.label_at;
  waiting_.push({at, added_++, std::make_shared<DueLabels>(std::move(labels))});
}

std::vector<DueLabels> LabelSchedule::TakeDue(int64_t time, size_t max_rows) {
  std::vector<DueLabels> due;
  while (!waiting_.empty() && waiting_.top().at <= time && due.size() < max_rows) {
    due.push_back(std::move(*waiting_.top().labels));
    waiting_.pop();
  }
  return due;
}

v1::LabelBatch BatchOf(const ModelSpec& spec, const std::vector<DueLabels>& rows) {
  v1::LabelBatch batch;
  absl::flat_hash_map<std::string, uint32_t> numbers;
  bool weighted = false;
  for (const DueLabels& row : rows) {
    const auto [number, is_new] = numbers.try_emplace(row.request->id, static_cast<uint32_t>(numbers.size()));
    if (is_new) batch.add_request_ids(row.request->id);
    batch.add_request(number->second);
    batch.add_row(row.labels.row);
    batch.add_label_times_micros(row.labels.label_at);
    weighted |= row.labels.weight != 1;
  }
  if (weighted) {
    for (const DueLabels& row : rows) batch.add_weights(row.labels.weight);
  }
  size_t first = 0;
  for (const TaskSpec& task : spec.tasks()) {
    const size_t width = static_cast<size_t>(task.label_width);
    v1::Labels labels;
    labels.set_task(task.name);
    for (size_t row = 0; row < rows.size(); ++row) {
      const float* const values = rows[row].labels.labels.data() + first;
      const bool missing = std::any_of(values, values + width, [](float value) { return std::isnan(value); });
      if (missing) labels.add_missing_rows(static_cast<uint32_t>(row));
      for (size_t k = 0; k < width; ++k) labels.add_values(missing ? 0 : values[k]);
    }
    if (labels.missing_rows_size() < static_cast<int>(rows.size())) *batch.add_labels() = std::move(labels);
    first += width;
  }
  return batch;
}

cli::RowOrigins OriginsOf(const std::vector<DueLabels>& rows) {
  cli::RowOrigins origins;
  for (const DueLabels& row : rows) {
    origins.lines.push_back(row.labels.line);
    origins.files.push_back(row.labels.file);
    origins.texts.push_back(row.labels.text);
  }
  return origins;
}

}  // namespace polyscene::replay
