#include "model/serving/ranking.h"

#include <algorithm>
#include <cmath>

namespace polyscene {

std::vector<float> RankingScores(const SceneSpec& scene, const ScoreResult& result) {
  if (scene.rank_by.empty()) return {};
  std::vector<float> ranking(result.rows, 1.0f);
  for (const RankFactor& factor : scene.rank_by) {
    const auto scored = std::find_if(result.tasks.begin(), result.tasks.end(),
                                     [&factor](const ScoredTask& t) { return t.task == factor.task; });
    if (scored == result.tasks.end()) return {};
    for (int64_t r = 0; r < result.rows; ++r) {
      const double score = std::max(0.0f, scored->values[r]);
      ranking[r] *= static_cast<float>(factor.power == 1 ? score : std::pow(score, factor.power));
    }
  }
  return ranking;
}

}  // namespace polyscene
