#include "client/replay/request_groups.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace polyscene::replay {
namespace {

template <typename T>
void AppendBytes(const std::vector<T>& values, std::string& bytes) {
  absl::StrAppend(&bytes, values.size(), ":");
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// The column's value, told from every other.
void AppendValue(const Column& column, std::string& bytes) {
  AppendBytes(column.missing, bytes);
  if (!column.missing.empty()) return;
  AppendBytes(column.ints, bytes);
  AppendBytes(column.floats, bytes);
  for (const std::string& value : column.strings) absl::StrAppend(&bytes, value.size(), ":", value);
}

}  // namespace

std::string RequestGroups::KeyOf(int scene, const ReplayRow& row) const {
  std::string key = absl::StrCat(scene, ":");
  if (!row.table.request_ids.empty())
    absl::StrAppend(&key, row.table.request_ids[0].size(), ":", row.table.request_ids[0]);
  if (!spec_.scenes()[scene].has_candidates) return key;
  for (const Column& column : row.table.features.columns) {
    if (!spec_.features()[spec_.FindFeature(column.name)].candidate) AppendValue(column, key);
  }
  return key;
}

void RequestGroups::Add(ReplayRow row) {
  const int scene = spec_.FindScene(row.table.scene);
  const auto [open, is_new] = open_.try_emplace(KeyOf(scene, row), groups_.size());
  if (!is_new && static_cast<int64_t>(groups_[open->second].rows.size()) >= max_rows_) open->second = groups_.size();
  if (open->second == groups_.size()) groups_.push_back({scene, row.predict_at, {}});
  groups_[open->second].rows.push_back(std::move(row));
  ++rows_;
}

std::vector<RowGroup> RequestGroups::Take() {
  open_.clear();
  rows_ = 0;
  return std::exchange(groups_, {});
}

}  // namespace polyscene::replay
