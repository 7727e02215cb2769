#include "model/serving/ranking.h"

#include <algorithm>
#include <cmath>

namespace polyscene {

void FillRanking(const SceneSpec& scene, ScoreResult& result) {
  std::vector<float>& ranking = result.ranking;
  ranking.clear();
  if (scene.rank_by.empty()) return;
  ranking.resize(result.rows, 1.0f);
  for (const RankFactor& factor : scene.rank_by) {
    const auto scored = std::find_if(result.tasks.begin(), result.tasks.end(),
                                     [&factor](const ScoredTask& t) { return t.task == factor.task; });
    if (scored == result.tasks.end()) return ranking.clear();
    for (int64_t r = 0; r < result.rows; ++r) {
      const double score = std::max(0.0f, scored->values[r]);
      ranking[r] *= static_cast<float>(factor.power == 1 ? score : std::pow(score, factor.power));
    }
  }
}

}  // namespace polyscene
