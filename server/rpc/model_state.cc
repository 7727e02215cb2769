#include "server/rpc/model_state.h"

#include <algorithm>

namespace polyscene {

void FillModelState(const SnapshotInfo& info, absl::Time now, v1::ModelState* state) {
  state->set_version(info.version);
  state->set_rows_learned(info.rows_learned);
  // A wall clock set back must not make an age below zero.
  state->set_weight_age_seconds(std::max(0.0, absl::ToDoubleSeconds(now - info.published_at)));
  state->set_learned_up_to_micros(info.learned_up_to_micros);
}

}  // namespace polyscene
