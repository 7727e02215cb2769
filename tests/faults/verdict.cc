#include "tests/faults/verdict.h"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

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

}  // namespace

absl::Status CheckLog(const std::filesystem::path& data_directory, const std::vector<uint64_t>& batches) {
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
  for (;;) {
    absl::StatusOr<std::optional<LogEntry>> entry = (*cursor)->Next();
    if (!entry.ok()) return entry.status();
    if (!entry->has_value()) break;
    if (!(*entry)->record.has_events()) continue;
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
  return absl::OkStatus();
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
