// What orders candidates.
#pragma once

#include "model/serving/predictor.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Writes the ranking score of each row of `result` into it: [rows], or none where the scene ranks by nothing, or by a
// task that was not scored.
void FillRanking(const SceneSpec& scene, ScoreResult& result);

}  // namespace polyscene
