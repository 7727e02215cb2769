#include "client/simulator/event_tables.h"

#include <string>
#include <utility>

namespace polyscene::simulator {
namespace {

void AppendFeature(const SimulatedFeature& feature, const SimulatedRow& row, uint32_t position, Column& column) {
  const int count = feature.length ? feature.length(row) : 1;
  if (feature.length) {
    column.lengths.push_back(static_cast<uint32_t>(count));
    if (count == 0) column.missing.push_back(position);  // As an empty field of a file is read.
  }
  for (int i = 0; i < count; ++i) {
    if (feature.text) {
      column.strings.emplace_back(feature.text(row, i));
      continue;
    }
    int64_t number = feature.number(row, i);
    if (number == kNone) {
      column.missing.push_back(position);
      number = 0;
    }
    if (feature.type == ValueType::kInt64) {
      column.ints.push_back(number);
    } else {
      column.floats.push_back(static_cast<float>(static_cast<double>(number) / UnitsPerOne(feature.decimals)));
    }
  }
}

void AppendLabel(const SimulatedTask& task, const SimulatedRow& row, uint32_t position, EventTable::Labels& labels) {
  for (int i = 0; i < task.width; ++i) {
    int64_t label = task.label(row, i);
    if (label == kNone) {
      if (i == 0) labels.missing.push_back(position);
      label = 0;
    }
    labels.values.push_back(static_cast<float>(static_cast<double>(label) / UnitsPerOne(task.decimals)));
  }
}

}  // namespace

EventTables::EventTables(MarketplaceModel model) : model_(std::move(model)) {
  for (int s = 0; s < kScenes; ++s) tables_[s] = NewTable(static_cast<Scene>(s));
}

EventTable EventTables::NewTable(Scene scene) const {
  const MarketplaceModel::SceneColumns& columns = model_.scenes[static_cast<int>(scene)];
  EventTable table;
  table.scene = std::string(SceneName(scene));
  for (const SimulatedFeature* feature : columns.features) table.features.Add(feature->name, feature->type);
  for (const SimulatedTask* task : columns.tasks) {
    table.labels.emplace_back();
    table.labels.back().task = std::string(task->name);
    table.labels.back().outputs = task->width;
  }
  return table;
}

void EventTables::Add(const SimulatedRow& row) {
  const int scene = static_cast<int>(row.scene);
  const MarketplaceModel::SceneColumns& columns = model_.scenes[scene];
  EventTable& table = tables_[scene];
  const uint32_t position = static_cast<uint32_t>(table.features.rows++);
  for (size_t f = 0; f < columns.features.size(); ++f) {
    AppendFeature(*columns.features[f], row, position, table.features.columns[f]);
  }
  for (size_t t = 0; t < columns.tasks.size(); ++t) AppendLabel(*columns.tasks[t], row, position, table.labels[t]);
  table.event_times_micros.push_back(row.time_seconds * 1'000'000);
  ++rows_;
  table.lines.push_back(++total_rows_);
}

std::vector<EventTable> EventTables::Take() {
  std::vector<EventTable> taken;
  for (int s = 0; s < kScenes; ++s) {
    if (tables_[s].rows() == 0) continue;
    taken.push_back(std::move(tables_[s]));
    tables_[s] = NewTable(static_cast<Scene>(s));
  }
  rows_ = 0;
  return taken;
}

}  // namespace polyscene::simulator
