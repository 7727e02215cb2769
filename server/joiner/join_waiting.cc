// Requests as Predict remembers them, and what came for them before.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/joiner/join_operation.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

// Of one request: once it comes all of them are joined in one operation, while the log's other writers wait.
constexpr size_t kMaxWaitingBytes = 1 << 20;

}  // namespace

absl::Status JoinOperation::Remember(RequestToRemember request) {
  const std::string& id = request.request_id;
  absl::StatusOr<std::optional<std::string>> known = parts_.store.Get(LogFamily::kRemembered, id);
  if (!known.ok()) return known.status();
  if (known->has_value()) return absl::OkStatus();  // The first one is kept.
  const uint64_t bytes = request.bytes.size();
  parts_.store.Put(LogFamily::kRemembered, id, std::move(request.bytes));
  ++totals_.requests;
  totals_.bytes += bytes;
  // Another replay may have gone further than this one begins: its labels come all the same, while that time stands.
  const int64_t begins =
      request.replayed ? std::max(request.event_time_micros, totals_.replay_micros) : request.event_time_micros;
  PutDeadline(
      request.replayed ? DeadlineKind::kReplayed : DeadlineKind::kLive,
      begins + parts_.windows[request.scene].longest_micros, id,
      DueRequestValue({/*last=*/true, request.event_time_micros, bytes, parts_.spec->scenes()[request.scene].name}));
  return JoinWaiting(id);
}

absl::StatusOr<WaitingQueue> JoinOperation::ReadQueue(const std::string& id) {
  absl::StatusOr<std::optional<std::string>> value = parts_.store.Get(LogFamily::kWaiting, WaitingQueueKey(id));
  if (!value.ok()) return value.status();
  if (!value->has_value()) return TakeUpOldEntries(id);
  const std::optional<WaitingQueue> queue = ParseWaitingQueue(**value);
  if (!queue.has_value()) {
    return absl::DataLossError(absl::StrCat("the queue of what waits for request '", id, "' cannot be parsed"));
  }
  return *queue;
}

absl::StatusOr<WaitingQueue> JoinOperation::TakeUpOldEntries(const std::string& id) {
  absl::StatusOr<std::optional<std::string>> value = parts_.store.Get(LogFamily::kWaiting, id);
  if (!value.ok()) return value.status();
  WaitingQueue queue;
  if (!value->has_value()) return queue;
  v1::WaitingRows old;
  if (!old.ParseFromString(**value)) {
    return absl::DataLossError(absl::StrCat("what waits for request '", id, "' cannot be parsed"));
  }
  parts_.store.Delete(LogFamily::kWaiting, id);
  // How long they have waited is not among what was stored with them: they begin anew.
  const int64_t until = now_ + parts_.label_wait_micros;
  for (const v1::WaitingRows::Entry& rows : old.entries()) {
    AddEntry(id, until, WaitingEntryValue(until, rows), &queue);
  }
  PutQueue(id, queue);
  return queue;
}

void JoinOperation::AddEntry(const std::string& id, int64_t until, std::string value, WaitingQueue* queue) {
  const std::string key = WaitingEntryKey(id, queue->next++);
  queue->bytes += value.size();
  parts_.store.Put(LogFamily::kWaiting, key, std::move(value));
  PutDeadline(DeadlineKind::kWaiting, until, key, /*value=*/"");
}

void JoinOperation::PutQueue(const std::string& id, const WaitingQueue& queue) {
  if (queue.empty()) {
    parts_.store.Delete(LogFamily::kWaiting, WaitingQueueKey(id));
  } else {
    parts_.store.Put(LogFamily::kWaiting, WaitingQueueKey(id), WaitingQueueValue(queue));
  }
}

absl::StatusOr<std::optional<WaitingEntry>> JoinOperation::ReadEntry(const std::string& id, uint64_t number) {
  absl::StatusOr<std::optional<std::string>> value = parts_.store.Get(LogFamily::kWaiting, WaitingEntryKey(id, number));
  if (!value.ok()) return value.status();
  if (!value->has_value()) return std::optional<WaitingEntry>();
  std::optional<WaitingEntry> entry = ParseWaitingEntry(**value);
  if (!entry.has_value()) {
    return absl::DataLossError(
        absl::StrCat("entry ", number, " of what waits for request '", id, "' cannot be parsed"));
  }
  return entry;
}

absl::Status JoinOperation::JoinWaiting(const std::string& id) {
  absl::StatusOr<WaitingQueue> queue = ReadQueue(id);
  if (absl::IsDataLoss(queue.status())) {
    LogError(absl::StrCat("request '", id, "' is remembered without what waited for it: ", queue.status().message()));
    parts_.store.Delete(LogFamily::kWaiting, WaitingQueueKey(id));
    parts_.store.Delete(LogFamily::kWaiting, id);
    return absl::OkStatus();
  }
  if (!queue.ok()) return queue.status();
  for (uint64_t number = queue->first; number < queue->next; ++number) {
    const absl::StatusOr<std::optional<WaitingEntry>> entry = ReadEntry(id, number);
    if (absl::IsDataLoss(entry.status())) {
      LogError(absl::StrCat("request '", id, "' is remembered without it: ", entry.status().message()));
      parts_.store.Delete(LogFamily::kWaiting, WaitingEntryKey(id, number));
      continue;
    }
    if (!entry.ok()) return entry.status();
    if (!entry->has_value()) continue;
    const std::string key = WaitingEntryKey(id, number);
    parts_.store.Delete(LogFamily::kWaiting, key);
    parts_.store.Delete(LogFamily::kDeadlines, DeadlineKey(DeadlineKind::kWaiting, (*entry)->until_micros, key));
    if (absl::Status status = JoinEntry((*entry)->rows); !status.ok()) return status;
  }
  if (!queue->empty()) parts_.store.Delete(LogFamily::kWaiting, WaitingQueueKey(id));
  return absl::OkStatus();
}

absl::Status JoinOperation::JoinEntry(const v1::WaitingRows::Entry& rows) {
  StopWaiting(rows);
  std::map<std::string, WaitingDraft> none;  // The request is there now.
  if (absl::Status status = LabelsOf(rows.labels(), &none); !status.ok()) return status;
  if (absl::Status status = Exposures(rows.producer_id(), rows.exposures()); !status.ok()) return status;
  // Its batch was acknowledged when it began to wait: these rows are of no sequence.
  FlushRecords(rows.producer_id(), /*sequence=*/0);
  return absl::OkStatus();
}

uint64_t JoinOperation::StopWaiting(const v1::WaitingRows::Entry& rows) {
  const uint64_t labels = static_cast<uint64_t>(rows.labels().request_size());
  totals_.waiting_rows -= std::min(totals_.waiting_rows, labels);
  return labels;
}

absl::Status JoinOperation::Wait(const std::string& id, const v1::WaitingRows::Entry& rows) {
  absl::StatusOr<WaitingQueue> queue = ReadQueue(id);
  if (!queue.ok()) return queue.status();
  const int64_t until = now_ + parts_.label_wait_micros;
  std::string value = WaitingEntryValue(until, rows);
  if (queue->bytes + value.size() > kMaxWaitingBytes && !queue->empty()) {
    return absl::ResourceExhaustedError(absl::StrCat("request '", id,
                                                     "' is not remembered, and what waits for it fills ", queue->bytes,
                                                     " of the ", kMaxWaitingBytes, " bytes there are"));
  }
  AddEntry(id, until, std::move(value), &*queue);
  PutQueue(id, *queue);
  totals_.waiting_rows += static_cast<uint64_t>(rows.labels().request_size());
  return absl::OkStatus();
}

absl::Status JoinOperation::HandleDueEntry(const Deadline& deadline) {
  const std::optional<WaitingEntryName> name = ParseWaitingEntryKey(deadline.request_id);
  // The first releases' deadlines name the request alone. What is still there of its entries gets deadlines of its own.
  if (!name.has_value()) return TakeUpOldEntries(deadline.request_id).status();
  const absl::StatusOr<std::optional<WaitingEntry>> entry = ReadEntry(name->id, name->number);
  if (!entry.ok() && !absl::IsDataLoss(entry.status())) return entry.status();
  uint64_t bytes = 0;
  if (entry.ok()) {
    // Where a damaged queue was given up, the number may be another entry's by now.
    if (!entry->has_value() || (*entry)->until_micros != deadline.at_micros) return absl::OkStatus();
    done_.expired_rows += StopWaiting((*entry)->rows);
    bytes = (*entry)->bytes;
  }
  parts_.store.Delete(LogFamily::kWaiting, deadline.request_id);
  const absl::Status status = TakeFromQueue(name->id, bytes);
  return entry.ok() ? status : entry.status();
}

absl::Status JoinOperation::TakeFromQueue(const std::string& id, uint64_t bytes) {
  absl::StatusOr<WaitingQueue> queue = ReadQueue(id);
  if (!queue.ok()) return queue.status();
  queue->bytes -= std::min(queue->bytes, bytes);
  for (; !queue->empty(); ++queue->first) {
    const auto oldest = parts_.store.Get(LogFamily::kWaiting, WaitingEntryKey(id, queue->first));
    if (!oldest.ok() || oldest->has_value()) break;
  }
  PutQueue(id, *queue);
  return absl::OkStatus();
}

}  // namespace polyscene
