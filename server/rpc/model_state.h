// Which weights an answer refers to, as the wire says it.
#pragma once

#include "absl/time/time.h"
#include "model/serving/snapshot.h"
#include "polyscene/v1/features.pb.h"

namespace polyscene {

void FillModelState(const SnapshotInfo& info, absl::Time now, v1::ModelState* state);

}  // namespace polyscene
