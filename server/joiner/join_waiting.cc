// Requests as Predict remembers them, and what came for them before.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/eventlog/big_endian.h"
#include "server/joiner/join_operation.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

// Of one request. Each entry is written with those before it, so a sender must not be able to make them many.
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

absl::StatusOr<v1::WaitingRows> JoinOperation::ReadWaiting(const std::string& id) {
  absl::StatusOr<std::optional<std::string>> bytes = parts_.store.Get(LogFamily::kWaiting, id);
  if (!bytes.ok()) return bytes.status();
  v1::WaitingRows waiting;
  if (bytes->has_value() && !waiting.ParseFromString(**bytes)) {
    return absl::DataLossError(absl::StrCat("labels that wait for request '", id, "' cannot be parsed"));
  }
  return waiting;
}

absl::Status JoinOperation::JoinWaiting(const std::string& id) {
  absl::StatusOr<v1::WaitingRows> waiting = ReadWaiting(id);
  if (absl::IsDataLoss(waiting.status())) {
    LogError(absl::StrCat("request '", id, "' is remembered without what waited for it: ", waiting.status().message()));
    parts_.store.Delete(LogFamily::kWaiting, id);
    return absl::OkStatus();
  }
  if (!waiting.ok()) return waiting.status();
  if (waiting->entries().empty()) return absl::OkStatus();
  parts_.store.Delete(LogFamily::kWaiting, id);
  for (const v1::WaitingRows::Entry& entry : waiting->entries()) {
    totals_.waiting_rows -= static_cast<uint64_t>(entry.labels().request_size());
    std::map<std::string, WaitingDraft> none;  // The request is there now.
    if (absl::Status status = LabelsOf(entry.labels(), &none); !status.ok()) return status;
    if (absl::Status status = Exposures(entry.producer_id(), entry.exposures()); !status.ok()) return status;
    // Its batch was acknowledged when it began to wait: these rows are of no sequence.
    FlushRecords(entry.producer_id(), /*sequence=*/0);
  }
  return absl::OkStatus();
}

absl::Status JoinOperation::Wait(const std::string& id, v1::WaitingRows::Entry entry) {
  absl::StatusOr<v1::WaitingRows> waiting = ReadWaiting(id);
  if (!waiting.ok()) return waiting.status();
  const uint64_t rows = static_cast<uint64_t>(entry.labels().request_size());
  *waiting->add_entries() = std::move(entry);
  std::string bytes = waiting->SerializeAsString();
  if (bytes.size() > kMaxWaitingBytes && waiting->entries_size() > 1) {
    return absl::ResourceExhaustedError(absl::StrCat("request '", id, "' is not remembered, and ",
                                                     waiting->entries_size() - 1, " batches that wait for it fill the ",
                                                     kMaxWaitingBytes, " bytes there are"));
  }
  parts_.store.Put(LogFamily::kWaiting, id, std::move(bytes));
  totals_.waiting_rows += rows;
  // The value counts the entries that are due then: entries are in the order of their times.
  const std::string key = DeadlineKey(DeadlineKind::kWaiting, now_ + parts_.label_wait_micros, id);
  absl::StatusOr<std::optional<std::string>> others = parts_.store.Get(LogFamily::kDeadlines, key);
  if (!others.ok()) return others.status();
  const uint64_t count = others->has_value() ? FromBigEndian(**others).value_or(0) : 0;
  PutDeadline(DeadlineKind::kWaiting, now_ + parts_.label_wait_micros, id, BigEndian(count + 1));
  return absl::OkStatus();
}

absl::Status JoinOperation::Expire(const std::string& id, uint64_t entries) {
  absl::StatusOr<v1::WaitingRows> waiting = ReadWaiting(id);
  if (!waiting.ok()) return waiting.status();
  const int count = static_cast<int>(std::min<uint64_t>(entries, static_cast<uint64_t>(waiting->entries_size())));
  if (count == 0) return absl::OkStatus();  // The request has come.
  for (int i = 0; i < count; ++i) {
    const uint64_t rows = static_cast<uint64_t>(waiting->entries(i).labels().request_size());
    totals_.waiting_rows -= rows;
    done_.expired_rows += rows;
  }
  waiting->mutable_entries()->DeleteSubrange(0, count);
  if (waiting->entries().empty()) {
    parts_.store.Delete(LogFamily::kWaiting, id);
  } else {
    parts_.store.Put(LogFamily::kWaiting, id, waiting->SerializeAsString());
  }
  return absl::OkStatus();
}

}  // namespace polyscene
