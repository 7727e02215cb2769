#include "model/data/json_layout.h"

#include <utility>

#include "model/data/event_columns.h"

namespace polyscene {
namespace {

int AddColumn(const std::string& name, JsonLayout& layout) {
  const auto [key, is_new] = layout.keys.try_emplace(name);
  if (is_new) {
    key->second.columns.push_back(static_cast<int>(layout.header.size()));
    layout.header.push_back(name);
  }
  return key->second.columns.front();
}

}  // namespace

JsonLayout JsonLayout::Of(const v1::ModelFile& model, const std::string& other_column) {
  JsonLayout layout;
  // All columns before any other name, so that a column's name means the column.
  for (const v1::Feature& feature : model.features()) {
    AddColumn(ColumnOf(feature), layout);
    if (feature.has_sequence()) layout.keys[ColumnOf(feature)].sequence = true;
  }
  for (const v1::Task& task : model.tasks()) {
    for (const std::string& column : LabelColumns(task)) AddColumn(column, layout);
  }
  const v1::Files& files = model.files();
  AddColumn(SceneColumnOf(model), layout);
  for (const std::string& column : {files.event_time_column(), files.label_time_column(), files.request_id_column(),
                                    files.weight_column(), other_column}) {
    if (!column.empty()) AddColumn(column, layout);
  }

  for (const v1::Feature& feature : model.features()) {
    JsonKey key = layout.keys[ColumnOf(feature)];
    layout.keys.try_emplace(feature.name(), std::move(key));
  }
  for (const v1::Task& task : model.tasks()) {
    JsonKey key;
    key.forecast = task.has_forecast();
    for (const std::string& column : LabelColumns(task)) key.columns.push_back(AddColumn(column, layout));
    layout.keys.try_emplace(task.name(), std::move(key));
  }
  return layout;
}

}  // namespace polyscene
