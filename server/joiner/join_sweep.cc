// What is due: negatives by default, requests whose windows are closed, labels that waited in vain.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/joiner/join_operation.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

constexpr int kMaxDeadlines = 256;  // Of each kind at once: the writer has others to serve.

absl::string_view ViewOf(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

}  // namespace

absl::Status JoinOperation::Sweep() {
  const int64_t replay = totals_.replay_micros;
  if (absl::Status status = SweepKind(DeadlineKind::kLive, now_); !status.ok()) return status;
  if (absl::Status status = SweepKind(DeadlineKind::kReplayed, replay); !status.ok()) return status;
  if (absl::Status status = SweepKind(DeadlineKind::kWaiting, now_); !status.ok()) return status;
  FlushRecords(/*producer=*/"", /*sequence=*/0);
  return absl::OkStatus();
}

absl::Status JoinOperation::SweepKind(DeadlineKind kind, int64_t clock) {
  const std::unique_ptr<rocksdb::Iterator> entry = parts_.store.Iterate(LogFamily::kDeadlines);
  std::string next;
  int handled = 0;
  for (entry->Seek(parts_.due.From(kind)); entry->Valid(); entry->Next()) {
    const absl::string_view key = ViewOf(entry->key());
    if (key.empty() || key[0] != static_cast<char>(kind)) break;
    const std::optional<Deadline> deadline = ParseDeadlineKey(key);
    const bool due = !deadline.has_value() || deadline->at_micros < clock;
    if (!due || handled == kMaxDeadlines || JoinedEnough()) {
      next = std::string(key);
      break;
    }
    if (parts_.store.Deleted(LogFamily::kDeadlines, key)) continue;
    // The value may be staged, and newer.
    absl::StatusOr<std::optional<std::string>> value = parts_.store.Get(LogFamily::kDeadlines, key);
    if (!value.ok()) return value.status();
    parts_.store.Delete(LogFamily::kDeadlines, key);
    ++handled;
    if (!deadline.has_value() || !value->has_value()) continue;
    const absl::Status status = HandleDue(*deadline, **value, clock);
    if (absl::IsDataLoss(status)) {
      const std::optional<WaitingEntryName> entry = ParseWaitingEntryKey(deadline->request_id);
      const std::string& id = entry.has_value() ? entry->id : deadline->request_id;
      LogError(absl::StrCat("request '", id, "': ", status.message(), "; what was due is left out"));
    } else if (!status.ok()) {
      return status;
    }
  }
  if (absl::Status status = FromRocks(entry->status(), "joiner: deadlines"); !status.ok()) return status;
  parts_.due.Swept(kind, next);
  return absl::OkStatus();
}

absl::Status JoinOperation::HandleDue(const Deadline& deadline, absl::string_view value, int64_t clock) {
  if (deadline.kind == DeadlineKind::kWaiting) return HandleDueEntry(deadline);
  const std::optional<DueRequest> due = ParseDueRequest(value);
  if (!due.has_value()) return absl::DataLossError("a deadline cannot be parsed");
  return HandleDueRequest(deadline, *due, clock);
}

absl::Status JoinOperation::HandleDueRequest(const Deadline& deadline, const DueRequest& due, int64_t clock) {
  const std::string& id = deadline.request_id;
  const int scene = parts_.spec->FindScene(due.scene);
  absl::Status assumed;
  if (scene >= 0) {
    const SceneWindows& windows = parts_.windows[static_cast<size_t>(scene)];
    assumed = AssumeNegatives(id, due.event_time_micros, windows, clock);
    if (!assumed.ok() && !absl::IsDataLoss(assumed)) return assumed;
    const int64_t end = due.event_time_micros + windows.longest_micros;
    if (due.last && end >= clock) {  // The model file's windows have become longer.
      PutDeadline(deadline.kind, end, id, DueRequestValue(due));
      return assumed;
    }
  }
  if (due.last) Forget(id, due.stored_bytes);
  return assumed;
}

absl::Status JoinOperation::AssumeNegatives(const std::string& id, int64_t event_time, const SceneWindows& windows,
                                            int64_t clock) {
  std::vector<int> tasks;
  for (const SceneWindows::Assumed& assumed : windows.assumed) {
    if (event_time + assumed.after_micros < clock) tasks.push_back(assumed.task);
  }
  if (tasks.empty()) return absl::OkStatus();
  absl::StatusOr<JoinedState*> state = ReadState(id);
  if (!state.ok()) return state.status();
  if (!(*state)->exposed()) return absl::OkStatus();
  absl::StatusOr<std::optional<Target>> target = Find(id);
  if (!target.ok()) return target.status();
  if (!target->has_value() || (*target)->event_time() != event_time) return absl::OkStatus();
  const float negative = 0;
  const std::vector<uint32_t> rows((*state)->exposed_rows().begin(), (*state)->exposed_rows().end());
  for (const uint32_t row : rows) {
    std::vector<JoinedRecord::Label> labels;
    for (const int task : tasks) {
      if ((*state)->Label(row, task) != nullptr) continue;
      labels.push_back({task, {&negative, 1}});
      (*state)->SetLabel(row, task, {&negative, 1}, /*weight=*/1, /*assumed=*/true);
      ++done_.assumed_negatives;
    }
    if (!labels.empty()) LogRow(**target, row, /*weight=*/1, labels, /*correction=*/false);
  }
  return absl::OkStatus();
}

void JoinOperation::Forget(const std::string& id, uint64_t stored_bytes) {
  parts_.store.Delete(LogFamily::kRemembered, id);
  parts_.store.Delete(LogFamily::kJoins, id);
  parts_.cache.Remove(id);
  states_[id] = nullptr;
  totals_.requests -= std::min<uint64_t>(totals_.requests, 1);
  totals_.bytes -= std::min(totals_.bytes, stored_bytes);
}

}  // namespace polyscene
