#include "server/joiner/joined_state.h"

#include <algorithm>

namespace polyscene {

JoinedState::JoinedState(const ModelSpec& spec, v1::JoinState state) : spec_(spec), state_(std::move(state)) {
  labels_.reserve(static_cast<size_t>(state_.labels_size()));
  for (int i = 0; i < state_.labels_size(); ++i) {
    const int task = spec_.FindTask(state_.labels(i).task());
    if (task >= 0) labels_.emplace(std::make_pair(state_.labels(i).row(), task), i);
  }
}

int JoinedState::FindExposed(uint32_t row) const {
  const auto& rows = state_.exposed_rows();
  const auto found = std::lower_bound(rows.begin(), rows.end(), row);
  return found == rows.end() || *found != row ? -1 : static_cast<int>(found - rows.begin());
}

bool JoinedState::Exposed(uint32_t row) const { return FindExposed(row) >= 0; }

uint32_t JoinedState::Position(uint32_t row) const {
  const int index = FindExposed(row);
  return index < 0 ? 0 : state_.positions(index);
}

absl::Span<const uint32_t> JoinedState::exposed_rows() const {
  return absl::MakeConstSpan(state_.exposed_rows().data(), static_cast<size_t>(state_.exposed_rows_size()));
}

const v1::JoinState::KnownLabel* JoinedState::Label(uint32_t row, int task) const {
  const auto found = labels_.find(std::make_pair(row, task));
  return found == labels_.end() ? nullptr : &state_.labels(found->second);
}

void JoinedState::Expose(absl::Span<const std::pair<uint32_t, uint32_t>> rows) {
  google::protobuf::RepeatedField<uint32_t> merged_rows, merged_positions;
  int known = 0;
  const auto take_known = [&] {
    merged_rows.Add(state_.exposed_rows(known));
    merged_positions.Add(state_.positions(known));
    ++known;
  };
  for (const auto& [row, position] : rows) {
    while (known < state_.exposed_rows_size() && state_.exposed_rows(known) < row) take_known();
    if (known < state_.exposed_rows_size() && state_.exposed_rows(known) == row) {
      if (state_.positions(known) == 0) state_.set_positions(known, position);
      take_known();
    } else {
      merged_rows.Add(row);
      merged_positions.Add(position);
    }
  }
  while (known < state_.exposed_rows_size()) take_known();
  state_.mutable_exposed_rows()->Swap(&merged_rows);
  state_.mutable_positions()->Swap(&merged_positions);
  changed_ = true;
}

void JoinedState::SetLabel(uint32_t row, int task, absl::Span<const float> values, float weight, bool assumed) {
  const auto [entry, added] = labels_.emplace(std::make_pair(row, task), state_.labels_size());
  v1::JoinState::KnownLabel* label = added ? state_.add_labels() : state_.mutable_labels(entry->second);
  label->set_row(row);
  label->set_task(spec_.tasks()[task].name);
  label->clear_values();
  label->mutable_values()->Add(values.begin(), values.end());
  label->set_weight(weight);
  label->set_assumed(assumed);
  changed_ = true;
}

}  // namespace polyscene
