#include "tests/faults/verdict.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/spec/model_spec.h"
#include "server/eventlog/event_log.h"
#include "tests/faults/crash_model.h"
#include "tests/faults/producer.h"

namespace polyscene {
namespace {

absl::Status Broken(const LogEntry& entry, const std::string& what) {
  return absl::DataLossError(absl::StrCat("log offset ", entry.offset, ", producer ", entry.record.producer_id(),
                                          ", sequence ", entry.record.events().sequence(), ": ", what));
}

absl::Status CheckBatch(const LogEntry& entry, int producer, uint64_t expected_sequence) {
  const v1::EventBatch& logged = entry.record.events();
  if (logged.sequence() != expected_sequence) return Broken(entry, absl::StrCat("expected ", expected_sequence));
  const v1::EventBatch sent = CrashBatch(producer, expected_sequence);
  const std::vector<int64_t> items = GoodItems(sent);
  const std::vector<int64_t> logged_items(logged.columns(2).ints().begin(), logged.columns(2).ints().end());
  if (logged.scene() != sent.scene() || logged_items != items) {
    return Broken(entry, absl::StrCat("holds other rows than were sent: ", absl::StrJoin(logged_items, " "),
                                      ", expected ", absl::StrJoin(items, " ")));
  }
  return absl::OkStatus();
}

using LateLabels = std::set<std::pair<std::string, std::string>>;  // "request-3 row 2", task.

absl::Status AddLabels(const LogEntry& entry, int i, uint64_t number, int row, LateLabels* late) {
  const std::string what = absl::StrCat(RequestName(number), " row ", row);
  for (const v1::Labels& labels : entry.record.events().labels()) {
    const auto& missing = labels.missing_rows();
    if (std::find(missing.begin(), missing.end(), static_cast<uint32_t>(i)) != missing.end()) continue;
    if (labels.values(i) != LateLabel(number, row, labels.task())) {
      return Broken(entry, absl::StrCat("another label of ", what, ", task ", labels.task(), " than was sent"));
    }
    if (!late->emplace(what, labels.task()).second) {
      return Broken(entry, absl::StrCat("the label of ", what, ", task ", labels.task(), " is there twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status AddJoined(const LogEntry& entry, LateLabels* late) {
  const v1::EventBatch& events = entry.record.events();
  const v1::JoinedRows& joined = entry.record.joined();
  if (joined.correction_rows_size() > 0) return Broken(entry, "holds corrections, though no label was changed");
  for (int i = 0; i < static_cast<int>(events.rows()); ++i) {
    const std::string& name = joined.request_ids(static_cast<int>(joined.request(i)));
    const int row = static_cast<int>(joined.row(i));
    uint64_t number = 0;
    if (!absl::SimpleAtoi(name.substr(name.find('-') + 1), &number) || row + 1 >= kRememberedRows) {
      return Broken(entry, absl::StrCat("joins row ", row, " of ", name, ", which nobody labelled"));
    }
    for (const v1::Column& column : events.columns()) {
      if (column.name() == "item" && column.ints(i) != RequestToRemember(number).candidates(0).ints(row)) {
        return Broken(entry, absl::StrCat("joins row ", row, " of ", name, " with another item than was scored"));
      }
    }
    if (absl::Status status = AddLabels(entry, i, number, row, late); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<uint64_t> CheckLog(const std::filesystem::path& data_directory, const std::vector<uint64_t>& batches,
                                  uint64_t remembered) {
  const absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = ModelSpec::Parse(CrashModelText(), "crash.textproto");
  if (!spec.ok()) return spec.status();
  EventLogOptions options;
  options.directory = data_directory / "log";
  options.model_fingerprint = (*spec)->fingerprint();
  absl::StatusOr<std::unique_ptr<EventLog>> log = EventLog::Open(options);
  if (!log.ok()) return log.status();
  absl::StatusOr<std::unique_ptr<EventLog::Cursor>> cursor = (*log)->Read(0);
  if (!cursor.ok()) return cursor.status();
  std::vector<uint64_t> seen(batches.size(), 0);
  LateLabels late;
  uint64_t rows = 0;
  for (;;) {
    absl::StatusOr<std::optional<LogEntry>> entry = (*cursor)->Next();
    if (!entry.ok()) return entry.status();
    if (!entry->has_value()) break;
    if (!(*entry)->record.has_events()) continue;
    rows += (*entry)->count;
    if ((*entry)->record.has_joined()) {
      if (absl::Status status = AddJoined(**entry, &late); !status.ok()) return status;
      continue;
    }
    size_t producer = 0;
    while (producer < batches.size() && (*entry)->record.producer_id() != Producer::Name(static_cast<int>(producer))) {
      ++producer;
    }
    if (producer == batches.size()) return Broken(**entry, "nobody sent it");
    absl::Status status = CheckBatch(**entry, static_cast<int>(producer), ++seen[producer]);
    if (!status.ok()) return status;
  }
  if (seen != batches) {
    return absl::DataLossError(absl::StrCat("the log holds batches up to ", absl::StrJoin(seen, ", "),
                                            " of the producers, acknowledged are ", absl::StrJoin(batches, ", ")));
  }
  const uint64_t expected = remembered * (kRememberedRows - 1) * 2;
  if (late.size() != expected) {
    return absl::DataLossError(absl::StrCat("the log holds ", late.size(), " late labels, expected ", expected, " of ",
                                            remembered, " requests"));
  }
  return rows;
}

absl::StatusOr<std::string> StateDigest(const std::string& train_program, const std::filesystem::path& checkpoint) {
  const std::string command = absl::StrCat("'", train_program, "' --inspect '", checkpoint.string(), "' --json");
  FILE* const output = popen(command.c_str(), "r");
  if (output == nullptr) return absl::InternalError(absl::StrCat("cannot run ", command));
  std::string text;
  char part[4096];
  for (size_t count; (count = fread(part, 1, sizeof(part), output)) > 0;) text.append(part, count);
  const int status = pclose(output);
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (status != 0 || !json.is_object() || !json.contains("state_digest") || !json["state_digest"].is_string()) {
    return absl::InternalError(absl::StrCat(command, " ended with ", status, " and said: ", text));
  }
  return json["state_digest"].get<std::string>();
}

}  // namespace polyscene
