#include "server/train/log_rows.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/offline/checked_table.h"
#include "server/data_directory.h"
#include "server/train/converted_record.h"

namespace polyscene {

absl::StatusOr<std::unique_ptr<ExampleRows>> LogRows::Open(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                                           const RowSelection& selection, RefusedRows* refused) {
  const std::filesystem::path directory = selection.paths.front();
  if (absl::Status status = DataDirectory::CheckHashKey(directory, key); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<ReadOnlyLog>> log = ReadOnlyLog::Open(directory);
  if (!log.ok()) return log.status();
  return std::unique_ptr<ExampleRows>(new LogRows(std::move(spec), selection, refused, *std::move(log)));
}

absl::StatusOr<bool> LogRows::Next(ExampleChunk* chunk) {
  chunk->ranges.clear();
  while (chunk->ranges.empty()) {
    const absl::StatusOr<std::optional<LogEntry>> entry = log_->Next();
    if (!entry.ok()) return entry.status();
    if (!entry->has_value()) return false;
    const LogEntry& at = **entry;
    if (!at.record.has_events()) continue;
    const int scene = spec_->FindScene(at.record.events().scene());
    if (scene < 0) continue;
    const std::vector<RowError> errors = ConvertRecord(*spec_, scene, at.record, &chunk->table);
    for (const RowError& error : errors) {
      if (refused_ == nullptr) break;
      refused_->Add(selection_.paths.front(), static_cast<int64_t>(at.offset) + error.row, error.reason, error.message);
    }
    std::vector<RowError> passed_over = errors;
    if (selection_.evaluated) {  // A correction repeats a row that is evaluated already.
      for (const uint32_t row : at.record.joined().correction_rows()) passed_over.push_back({row, "", ""});
      std::sort(passed_over.begin(), passed_over.end(),
                [](const RowError& a, const RowError& b) { return a.row < b.row; });
    }
    KeepWanted(selection_, GoodRanges(chunk->table.rows(), passed_over), chunk);
  }
  return true;
}

double LogRows::fraction_read() const {
  const double all = static_cast<double>(log_->end_offset() - log_->begin_offset());
  return all == 0 ? 1 : static_cast<double>(log_->next_offset() - log_->begin_offset()) / all;
}

}  // namespace polyscene
