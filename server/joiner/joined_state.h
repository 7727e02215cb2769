// What has happened to a remembered request, to look things up in. Private to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/record.pb.h"

namespace polyscene {

// Not thread-safe.
class JoinedState {
 public:
  JoinedState(const ModelSpec& spec, v1::JoinState state);

  bool exposed() const { return !state_.exposed_rows().empty(); }  // Some row was told to be shown.
  bool Exposed(uint32_t row) const;
  uint32_t Position(uint32_t row) const;  // 0: unknown.
  absl::Span<const uint32_t> exposed_rows() const;

  const v1::JoinState::KnownLabel* Label(uint32_t row, int task) const;  // Null: none yet.

  // rows, positions: ascending by row, of one length. A position that is known stays.
  void Expose(absl::Span<const std::pair<uint32_t, uint32_t>> rows);
  void SetLabel(uint32_t row, int task, absl::Span<const float> values, float weight, bool assumed);

  bool changed() const { return changed_; }
  std::string Serialize() const { return state_.SerializeAsString(); }

 private:
  int FindExposed(uint32_t row) const;  // -1: not exposed.

  const ModelSpec& spec_;
  v1::JoinState state_;
  absl::flat_hash_map<std::pair<uint32_t, int>, int> labels_;  // Row, task -> index into state_.labels().
  bool changed_ = false;
};

}  // namespace polyscene
