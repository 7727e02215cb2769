#include "model/evaluation/ranking_evaluation.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/evaluation/ndcg.h"

namespace polyscene {

void RankingEvaluation::Add(int scene, absl::Span<const float> scores, absl::Span<const float> gains) {
  const double ndcg = Ndcg(scores, gains, k_);
  if (std::isnan(ndcg)) return;
  Sums& sums = sums_[scene];
  ++sums.requests;
  sums.rows += scores.size();
  sums.ndcg += ndcg;
  sums.reciprocal_rank += ReciprocalRank(scores, gains);
}

std::vector<EvaluationFigure> RankingEvaluation::Figures(absl::string_view task, absl::string_view suffix) const {
  std::vector<EvaluationFigure> figures;
  const auto add = [&](const std::string& scene, const Sums& sums) {
    if (sums.requests == 0) return;
    const auto requests = static_cast<double>(sums.requests);
    figures.push_back({scene, std::string(task), absl::StrCat("ndcg@", k_, suffix), sums.ndcg / requests, sums.rows});
    figures.push_back(
        {scene, std::string(task), absl::StrCat("mrr", suffix), sums.reciprocal_rank / requests, sums.rows});
  };
  Sums all;
  int with_requests = 0;
  for (size_t scene = 0; scene < scenes_.size(); ++scene) {
    const Sums& sums = sums_[scene];
    add(scenes_[scene], sums);
    with_requests += sums.requests > 0;
    all.requests += sums.requests;
    all.rows += sums.rows;
    all.ndcg += sums.ndcg;
    all.reciprocal_rank += sums.reciprocal_rank;
  }
  if (with_requests > 1) add("*", all);
  return figures;
}

GroupedAuc::GroupedAuc(EvaluationLayout layout)
    : layout_(std::move(layout)), sums_(layout_.scenes.size() * layout_.tasks.size()) {}

void GroupedAuc::Add(int scene, int task, absl::Span<const float> scores, absl::Span<const float> labels) {
  const double auc = ExactAuc(scores, labels);
  if (std::isnan(auc)) return;
  Sums& sums = sums_[scene * layout_.tasks.size() + task];
  sums.rows += scores.size();
  sums.weighted += auc * static_cast<double>(scores.size());
}

std::vector<EvaluationFigure> GroupedAuc::Figures() const {
  std::vector<EvaluationFigure> figures;
  const size_t tasks = layout_.tasks.size();
  const auto add = [&](const std::string& scene, size_t task, const Sums& sums) {
    if (sums.rows == 0) return;
    figures.push_back(
        {scene, layout_.tasks[task].name, "gauc", sums.weighted / static_cast<double>(sums.rows), sums.rows});
  };
  std::vector<Sums> all(tasks);
  for (size_t scene = 0; scene < layout_.scenes.size(); ++scene) {
    for (size_t task = 0; task < tasks; ++task) {
      const Sums& sums = sums_[scene * tasks + task];
      add(layout_.scenes[scene], task, sums);
      all[task].rows += sums.rows;
      all[task].weighted += sums.weighted;
    }
  }
  for (size_t task = 0; task < tasks; ++task) add("*", task, all[task]);
  return figures;
}

}  // namespace polyscene
