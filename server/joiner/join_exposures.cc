// Exposures of remembered requests.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/joiner/join_operation.h"

namespace polyscene {

absl::Status JoinOperation::Exposures(const std::string& producer, const v1::ExposureBatch& batch) {
  uint32_t first = 0;
  for (const v1::Exposure& exposure : batch.exposures()) {
    const uint32_t rows = static_cast<uint32_t>(exposure.rows_size());
    const auto refuse_all = [&](const Refusal& refusal) {
      for (uint32_t i = 0; i < rows; ++i) Refuse(first + i, -1, refusal);
    };
    absl::StatusOr<std::optional<Target>> target = Find(exposure.request_id());
    absl::Status status = target.status();
    if (target.ok() && target->has_value()) {
      ExposeRows(**target, exposure, first);
    } else if (target.ok()) {
      v1::WaitingRows::Entry entry;
      entry.set_producer_id(producer);
      *entry.mutable_exposures()->add_exposures() = exposure;
      status = Wait(exposure.request_id(), entry);
      if (status.ok()) result_.accepted_rows += rows;
    }
    if (const Refusal refusal = RefusalOf(status); refusal.refused()) {
      refuse_all(refusal);
    } else if (!status.ok()) {
      return status;
    }
    first += rows;
  }
  return absl::OkStatus();
}

void JoinOperation::ExposeRows(const Target& target, const v1::Exposure& exposure, uint32_t first) {
  const bool timed = target.replayed() && exposure.time_micros() != 0;
  const int64_t time = timed ? exposure.time_micros() : now_;
  const int64_t window = target.windows == nullptr ? 0 : target.windows->longest_micros;
  std::vector<std::pair<uint32_t, uint32_t>> rows;
  for (int i = 0; i < exposure.rows_size(); ++i) {
    Refusal refusal = CheckRow(target, exposure.rows(i));
    if (!refusal.refused()) refusal = CheckTime(target, time, window, "exposure");
    if (refusal.refused()) {
      Refuse(first + static_cast<uint32_t>(i), target.request->scene, std::move(refusal));
    } else {
      rows.emplace_back(exposure.rows(i), exposure.positions().empty() ? 0 : exposure.positions(i));
    }
  }
  if (rows.empty()) return;
  std::sort(rows.begin(), rows.end());
  target.state->Expose(rows);
  result_.accepted_rows += rows.size();
  if (timed) SeeReplayTime(target, time);
  ScheduleAssumptions(target);
}

// Only exposed rows become negatives, so only now is there something to wait for; perhaps it is due already.
void JoinOperation::ScheduleAssumptions(const Target& target) {
  for (const SceneWindows::Assumed& assumed : target.windows->assumed) {
    PutDeadline(
        target.replayed() ? DeadlineKind::kReplayed : DeadlineKind::kLive, target.event_time() + assumed.after_micros,
        target.request->id,
        DueRequestValue({/*last=*/false, target.event_time(), target.request->bytes, target.request->message.scene()}));
  }
}

}  // namespace polyscene
