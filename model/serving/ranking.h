// What orders candidates.
#pragma once

#include <vector>

#include "model/serving/predictor.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// The ranking score of each row of `result`: [rows], or empty where the scene ranks by nothing, or by a task that was
// not scored.
std::vector<float> RankingScores(const SceneSpec& scene, const ScoreResult& result);

}  // namespace polyscene
