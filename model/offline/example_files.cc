#include "model/offline/example_files.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/offline/checked_table.h"

namespace polyscene {
namespace {

// What a file has of the model's features and labels.
absl::StatusOr<std::set<std::string>> KnownColumns(const ModelSpec& spec, const std::string& path) {
  if (path == "-") {
    return absl::InvalidArgumentError("-: training reads its files several times, expected files, not standard input");
  }
  const auto reader = EventReader::Open(path, spec.file());
  if (!reader.ok()) return reader.status();
  std::set<std::string> known;
  for (const SceneColumns& scene : (*reader)->columns().scenes) {
    for (const FeatureColumn& feature : scene.features) known.insert(absl::StrCat("feature '", feature.name, "'"));
    for (const TaskColumns& task : scene.tasks) known.insert(absl::StrCat("task '", task.name, "'"));
  }
  return known;
}

std::string Difference(const std::set<std::string>& all, const std::set<std::string>& some) {
  std::vector<std::string> missing;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(), std::back_inserter(missing));
  return absl::StrJoin(missing, ", ");
}

}  // namespace

ExampleFiles::ExampleFiles(std::shared_ptr<const ModelSpec> spec, HashKey key, RowSelection selection,
                           RefusedRows* refused)
    : spec_(std::move(spec)), key_(key), selection_(std::move(selection)), refused_(refused) {}

absl::Status ExampleFiles::OpenNext() {
  EventReaderOptions options;
  const std::string& path = selection_.paths[opened_++];
  if (refused_ != nullptr) {
    options.on_rejected = [this, &path](const RejectedLine& line) {
      refused_->Add(path, line.line, line.reason, line.message);
    };
  }
  auto reader = EventReader::Open(path, spec_->file(), std::move(options));
  if (!reader.ok()) return reader.status();
  reader_ = *std::move(reader);
  return absl::OkStatus();
}

absl::StatusOr<bool> ExampleFiles::Next(ExampleChunk* chunk) {
  chunk->ranges.clear();
  while (chunk->ranges.empty()) {
    if (reader_ == nullptr) {
      if (opened_ == selection_.paths.size()) return false;
      if (absl::Status status = OpenNext(); !status.ok()) return status;
    }
    const absl::StatusOr<bool> more = reader_->Next(&chunk->table);
    if (!more.ok()) return more.status();
    if (!*more) {
      reader_ = nullptr;
      continue;
    }
    const std::vector<RowError> errors = CheckAndHash(*spec_, key_, chunk->table);
    for (const RowError& error : errors) {
      if (refused_ == nullptr) break;
      refused_->Add(selection_.paths[opened_ - 1], chunk->table.lines[error.row], error.reason, error.message);
    }
    KeepWanted(selection_, GoodRanges(chunk->table.rows(), errors), chunk);
  }
  return true;
}

void KeepWanted(const RowSelection& selection, const std::vector<std::pair<int64_t, int64_t>>& good,
                ExampleChunk* chunk) {
  chunk->ranges.clear();
  const std::vector<int64_t>& times = chunk->table.event_times_micros;
  for (const auto& [begin, end] : good) {
    bool open = false;  // Whether the last range ends where this row begins.
    for (int64_t row = begin; row < end; ++row) {
      const int64_t time = times.empty() ? 0 : times[row];
      const bool wanted = time >= selection.from_micros && time < selection.until_micros;
      if (wanted && !open) chunk->ranges.emplace_back(row, row);
      if (wanted) ++chunk->ranges.back().second;
      open = wanted;
    }
  }
}

double ExampleFiles::fraction_read() const {
  if (reader_ == nullptr) return static_cast<double>(opened_) / static_cast<double>(selection_.paths.size());
  const double bytes = static_cast<double>(std::max<int64_t>(reader_->file_bytes(), 1));
  const double of_file = std::min(static_cast<double>(reader_->file_bytes_read()) / bytes, 1.0);
  return (static_cast<double>(opened_ - 1) + of_file) / static_cast<double>(selection_.paths.size());
}

absl::StatusOr<std::unique_ptr<ExampleRows>> OpenRows(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                                      const RowSelection& selection, RefusedRows* refused) {
  if (selection.open) return selection.open(selection, refused);
  return std::unique_ptr<ExampleRows>(new ExampleFiles(std::move(spec), key, selection, refused));
}

absl::Status CheckSameColumns(const ModelSpec& spec, const std::vector<std::string>& paths) {
  std::set<std::string> first;
  for (const std::string& path : paths) {
    absl::StatusOr<std::set<std::string>> known = KnownColumns(spec, path);
    if (!known.ok()) return known.status();
    if (&path == &paths.front()) first = *std::move(known);
    if (&path == &paths.front() || *known == first) continue;
    const std::string lacks = Difference(first, *known);
    const std::string more = Difference(*known, first);
    return absl::InvalidArgumentError(absl::StrCat(
        path, " has other columns than ", paths.front(), lacks.empty() ? "" : absl::StrCat(": it lacks ", lacks),
        more.empty() ? "" : absl::StrCat(": only it has ", more), "; expected the same in both"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> AbsentColumns(const ModelSpec& spec, const std::string& path) {
  const absl::StatusOr<std::set<std::string>> known = KnownColumns(spec, path);
  if (!known.ok()) return known.status();
  std::vector<std::string> absent;
  for (const FeatureSpec& feature : spec.features()) {
    std::string name = absl::StrCat("feature '", feature.name, "'");
    if (known->count(name) == 0) absent.push_back(std::move(name));
  }
  for (const TaskSpec& task : spec.tasks()) {
    std::string name = absl::StrCat("task '", task.name, "'");
    if (known->count(name) == 0) absent.push_back(std::move(name));
  }
  return absent;
}

}  // namespace polyscene
