// Labels of remembered requests.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/joiner/join_operation.h"

namespace polyscene {
namespace {

// Appends row `row` of `batch` to `draft`, which has the same tasks.
void AppendRow(const ModelSpec& spec, const v1::LabelBatch& batch, int row, v1::LabelBatch* draft) {
  const uint32_t number = static_cast<uint32_t>(draft->request_size());
  draft->add_request(0);
  draft->add_row(batch.row(row));
  if (!batch.label_times_micros().empty()) draft->add_label_times_micros(batch.label_times_micros(row));
  if (!batch.weights().empty()) draft->add_weights(batch.weights(row));
  for (int i = 0; i < batch.labels_size(); ++i) {
    const v1::Labels& from = batch.labels(i);
    if (draft->labels_size() == i) draft->add_labels()->set_task(from.task());
    v1::Labels* to = draft->mutable_labels(i);
    const int task = spec.FindTask(from.task());
    const int width = task < 0 ? 1 : spec.tasks()[task].label_width;
    for (int v = 0; v < width; ++v) to->add_values(from.values(row * width + v));
    if (std::binary_search(from.missing_rows().begin(), from.missing_rows().end(), static_cast<uint32_t>(row))) {
      to->add_missing_rows(number);
    }
  }
}

bool SameValues(const v1::JoinState::KnownLabel& known, absl::Span<const float> values) {
  return std::equal(known.values().begin(), known.values().end(), values.begin(), values.end());
}

}  // namespace

struct JoinOperation::TaskColumn {
  const v1::Labels* labels = nullptr;
  int task = -1;  // -1: the model file does not have it any more.
  int width = 1;

  bool Missing(int row) const {
    const auto& missing = labels->missing_rows();
    return std::binary_search(missing.begin(), missing.end(), static_cast<uint32_t>(row));
  }
  absl::Span<const float> Values(int row) const {
    return absl::MakeConstSpan(labels->values().data() + int64_t{row} * width, static_cast<size_t>(width));
  }
};

absl::Status JoinOperation::Labels(const std::string& producer, const v1::LabelBatch& batch) {
  std::map<std::string, WaitingDraft> waiting;
  if (absl::Status status = LabelsOf(batch, &waiting); !status.ok()) return status;
  for (auto& [id, draft] : waiting) {
    draft.labels.add_request_ids(id);
    v1::WaitingRows::Entry entry;
    entry.set_producer_id(producer);
    *entry.mutable_labels() = std::move(draft.labels);
    const absl::Status status = Wait(id, entry);
    if (status.ok()) {
      result_.accepted_rows += draft.rows.size();
      continue;
    }
    const Refusal refusal = RefusalOf(status);
    if (!refusal.refused()) return status;
    for (const uint32_t row : draft.rows) Refuse(row, -1, refusal);
  }
  FlushRecords(producer, batch.sequence());
  return absl::OkStatus();
}

absl::Status JoinOperation::LabelsOf(const v1::LabelBatch& batch, std::map<std::string, WaitingDraft>* waiting) {
  std::vector<TaskColumn> columns = TaskColumns(batch);
  for (int row = 0; row < batch.request_size(); ++row) {
    const std::string& id = batch.request_ids(static_cast<int>(batch.request(row)));
    absl::StatusOr<std::optional<Target>> target = Find(id);
    if (Refusal refusal = RefusalOf(target.status()); refusal.refused()) {
      Refuse(static_cast<uint32_t>(row), -1, std::move(refusal));
      continue;
    }
    if (!target.ok()) return target.status();
    if (!target->has_value()) {
      WaitingDraft& draft = (*waiting)[id];
      AppendRow(*parts_.spec, batch, row, &draft.labels);
      draft.rows.push_back(static_cast<uint32_t>(row));
      continue;
    }
    Refusal refusal = CheckRoom();
    if (!refusal.refused()) refusal = LabelRow(**target, batch, row, columns);
    if (refusal.refused()) {
      Refuse(static_cast<uint32_t>(row), (*target)->request->scene, std::move(refusal));
    } else {
      ++result_.accepted_rows;
    }
  }
  return absl::OkStatus();
}

std::vector<JoinOperation::TaskColumn> JoinOperation::TaskColumns(const v1::LabelBatch& batch) const {
  std::vector<TaskColumn> columns;
  for (const v1::Labels& labels : batch.labels()) {
    TaskColumn& column = columns.emplace_back();
    column.labels = &labels;
    column.task = parts_.spec->FindTask(labels.task());
    if (column.task >= 0) column.width = parts_.spec->tasks()[column.task].label_width;
  }
  return columns;
}

// The first refusal of the row's labels; the others count all the same.
JoinOperation::Refusal JoinOperation::LabelRow(const Target& target, const v1::LabelBatch& batch, int row,
                                               std::vector<TaskColumn>& columns) {
  const uint32_t number = batch.row(row);
  if (Refusal refusal = CheckRow(target, number); refusal.refused()) return refusal;
  const StoredRequest& request = *target.request;
  if (target.state->exposed() && !target.state->Exposed(number)) {
    return {"not_exposed", absl::StrCat("row: got ", number, " of request '", request.id,
                                        "', expected one of the rows that its exposures name")};
  }
  const bool timed = target.replayed() && !batch.label_times_micros().empty();
  const int64_t time = timed ? batch.label_times_micros(row) : now_;
  const float weight = batch.weights().empty() ? 1.0f : batch.weights(row);
  std::vector<JoinedRecord::Label> fresh;
  Refusal first;
  bool counted = false;
  for (const TaskColumn& column : columns) {
    if (column.Missing(row)) continue;
    Refusal refusal;
    if (column.task < 0 || !parts_.spec->scenes()[request.scene].has_task[column.task]) {
      refusal = {"unknown_task", absl::StrCat("labels: task '", column.labels->task(), "' is not of scene '",
                                              request.message.scene(), "', which request '", request.id, "' is of")};
    } else {
      refusal = LabelTask(target, number, time, weight, {column.task, column.Values(row)}, &fresh);
    }
    counted = counted || !refusal.refused();
    if (refusal.refused() && !first.refused()) first = std::move(refusal);
  }
  if (!fresh.empty()) {
    LogRow(target, number, weight, fresh, /*correction=*/false);
    ++done_.joined_rows;
  }
  if (counted && timed) SeeReplayTime(target, time);
  if (counted && first.refused()) absl::StrAppend(&first.message, "; the row's other labels count");
  return first;
}

JoinOperation::Refusal JoinOperation::LabelTask(const Target& target, uint32_t row, int64_t time, float weight,
                                                const JoinedRecord::Label& label,
                                                std::vector<JoinedRecord::Label>* fresh) {
  Refusal late = CheckTime(target, time, target.windows->window_micros[label.task],
                           absl::StrCat("label of task '", parts_.spec->tasks()[label.task].name, "'"));
  if (late.refused()) return late;
  const v1::JoinState::KnownLabel* known = target.state->Label(row, label.task);
  if (known == nullptr) {
    fresh->push_back(label);
    target.state->SetLabel(row, label.task, label.values, weight, /*assumed=*/false);
  } else if (SameValues(*known, label.values)) {
    ++done_.repeated_labels;
    // Confirmed: it is no assumption any more, and weighs what was learned.
    if (known->assumed()) target.state->SetLabel(row, label.task, label.values, known->weight(), /*assumed=*/false);
  } else {
    ++done_.corrected_labels;
    const std::vector<float> learned(known->values().begin(), known->values().end());
    const JoinedRecord::Label taken_back{label.task, learned};
    LogRow(target, row, -known->weight(), {&taken_back, 1}, /*correction=*/true);
    LogRow(target, row, weight, {&label, 1}, /*correction=*/true);
    target.state->SetLabel(row, label.task, label.values, weight, /*assumed=*/false);
  }
  return {};
}

}  // namespace polyscene
