#include "server/joiner/join_operation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

constexpr size_t kMaxRecordBytes = 8 << 20;   // A record that has so many gets no further row.
constexpr size_t kMaxJoinedBytes = 64 << 20;  // Of one operation: what the writer holds in memory.

}  // namespace

absl::StatusOr<std::optional<JoinOperation::Target>> JoinOperation::Find(const std::string& id) {
  absl::StatusOr<std::shared_ptr<const StoredRequest>> request = ReadRequest(id);
  if (!request.ok()) return request.status();
  if (*request == nullptr) return std::optional<Target>();
  absl::StatusOr<JoinedState*> state = ReadState(id);
  if (!state.ok()) return state.status();
  const int scene = (*request)->scene;
  return std::optional<Target>(
      Target{*std::move(request), *state, scene < 0 ? nullptr : &parts_.windows[static_cast<size_t>(scene)]});
}

absl::StatusOr<std::shared_ptr<const StoredRequest>> JoinOperation::ReadRequest(const std::string& id) {
  if (std::shared_ptr<const StoredRequest> cached = parts_.cache.Find(id)) return cached;
  absl::StatusOr<std::optional<std::string>> bytes = parts_.store.Get(LogFamily::kRemembered, id);
  if (!bytes.ok()) return bytes.status();
  if (!bytes->has_value()) return std::shared_ptr<const StoredRequest>();
  absl::StatusOr<std::shared_ptr<const StoredRequest>> request = StoredRequest::Parse(*parts_.spec, id, **bytes);
  if (request.ok()) parts_.cache.Add(*request);
  return request;
}

absl::StatusOr<JoinedState*> JoinOperation::ReadState(const std::string& id) {
  std::unique_ptr<JoinedState>& state = states_[id];
  if (state != nullptr) return state.get();
  absl::StatusOr<std::optional<std::string>> bytes = parts_.store.Get(LogFamily::kJoins, id);
  v1::JoinState message;
  absl::Status status = bytes.status();
  if (status.ok() && bytes->has_value() &&
      (!message.ParseFromString(**bytes) || message.positions_size() != message.exposed_rows_size())) {
    status = absl::DataLossError(absl::StrCat("what is known of request '", id, "' cannot be parsed"));
  }
  if (!status.ok()) {
    states_.erase(id);
    return status;
  }
  state = std::make_unique<JoinedState>(*parts_.spec, std::move(message));
  return state.get();
}

JoinOperation::Refusal JoinOperation::RefusalOf(const absl::Status& status) {
  if (absl::IsResourceExhausted(status)) return {"too_many_rows", std::string(status.message())};
  if (!absl::IsDataLoss(status)) return {};
  if (!std::exchange(damage_told_, true)) LogError(absl::StrCat("joiner: rows are refused: ", status.message()));
  return {"damaged", std::string(status.message())};
}

JoinOperation::Refusal JoinOperation::CheckRow(const Target& target, uint32_t row) const {
  const StoredRequest& request = *target.request;
  if (request.scene < 0) {
    return {"unknown_scene", absl::StrCat("request '", request.id, "' is of scene '", request.message.scene(),
                                          "', which the model file does not have any more")};
  }
  if (row < request.message.rows()) return {};
  return {"no_such_row", absl::StrCat("row: got ", row, ", expected one below ", request.message.rows(),
                                      ", the rows of request '", request.id, "'")};
}

JoinOperation::Refusal JoinOperation::CheckTime(const Target& target, int64_t time, int64_t window,
                                                absl::string_view what) const {
  if (time - target.event_time() <= window) return {};
  return {"late", absl::StrCat(what, " came ", absl::FormatDuration(absl::Microseconds(time - target.event_time())),
                               " after request '", target.request->id, "', expected it within ",
                               absl::FormatDuration(absl::Microseconds(window)))};
}

void JoinOperation::SeeReplayTime(const Target& target, int64_t time) {
  if (target.replayed()) totals_.replay_micros = std::max(totals_.replay_micros, time);
}

void JoinOperation::LogRow(const Target& target, uint32_t row, float weight,
                           absl::Span<const JoinedRecord::Label> labels, bool correction) {
  const int scene = target.request->scene;
  std::unique_ptr<JoinedRecord>& record = gathered_[scene];
  if (record == nullptr) record = std::make_unique<JoinedRecord>(*parts_.spec, scene);
  const size_t before = record->value_bytes();
  record->Add({target.request.get(), row, target.state->Position(row), weight, labels, correction});
  joined_bytes_ += record->value_bytes() - before;
  if (record->value_bytes() >= kMaxRecordBytes) {
    full_.push_back(std::move(record));
    gathered_.erase(scene);
  }
}

bool JoinOperation::JoinedEnough() const { return joined_bytes_ >= kMaxJoinedBytes; }

JoinOperation::Refusal JoinOperation::CheckRoom() const {
  if (!JoinedEnough()) return {};
  return {"too_many_rows",
          absl::StrCat("the features of the rows before it are ", joined_bytes_, " bytes, expected less than ",
                       kMaxJoinedBytes, ": send the labels of fewer rows in a batch")};
}

void JoinOperation::PutDeadline(DeadlineKind kind, int64_t at, const std::string& id, std::string value) {
  const std::string key = DeadlineKey(kind, at, id);
  parts_.store.Put(LogFamily::kDeadlines, key, std::move(value));
  parts_.due.Added(key);
}

void JoinOperation::Refuse(uint32_t row, int scene, Refusal refusal) {
  done_.refused.emplace_back(scene, refusal.reason);
  result_.refused.push_back({row, scene, refusal.reason, std::move(refusal.message)});
}

void JoinOperation::FlushRecords(const std::string& producer, uint64_t sequence) {
  for (auto& [scene, gathered] : gathered_) full_.push_back(std::move(gathered));
  gathered_.clear();
  for (const std::unique_ptr<JoinedRecord>& gathered : full_) {
    done_.logged.emplace_back(gathered->scene(), gathered->rows());
    v1::LogRecord record = gathered->Take();
    record.set_producer_id(producer);
    record.set_accepted_at_micros(accepted_at_);
    record.mutable_events()->set_sequence(sequence);
    result_.records.push_back(std::move(record));
  }
  full_.clear();
}

JoinResult JoinOperation::Finish() {
  for (const auto& [id, state] : states_) {
    if (state != nullptr && state->changed()) parts_.store.Put(LogFamily::kJoins, id, state->Serialize());
  }
  std::sort(result_.refused.begin(), result_.refused.end(),
            [](const RefusedRow& a, const RefusedRow& b) { return a.row < b.row; });
  return std::move(result_);
}

}  // namespace polyscene
