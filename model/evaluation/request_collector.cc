#include "model/evaluation/request_collector.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "model/evaluation/ranking_evaluation.h"

namespace polyscene {

RequestCollector::RequestCollector(EvaluationLayout layout, std::vector<int> relevance, int k, int64_t max_rows)
    : layout_(std::move(layout)), relevance_(std::move(relevance)), k_(k), max_rows_(max_rows) {}

void RequestCollector::Add(const Row& row) {
  if (full_) return;
  full_ = static_cast<int64_t>(rows_.size()) >= max_rows_;
  if (full_) {
    rows_ = {};
  } else {
    rows_.push_back(row);
  }
}

void RequestCollector::AddScored(uint64_t request, int scene, int task, float score, float label) {
  if (layout_.tasks[task].kind == EvaluatedKind::kBinary) Add({request, scene, task, score, label});
}

void RequestCollector::AddRanked(uint64_t request, int scene, float ranking, float gain) {
  Add({request, scene, kList, ranking, gain});
}

std::vector<EvaluationFigure> RequestCollector::Figures() const {
  const auto key = [](const Row& row) { return std::make_tuple(row.request, row.scene, row.task); };
  // Stable: sums are then of the same order, and so of the same last digits, every time.
  std::stable_sort(rows_.begin(), rows_.end(), [&key](const Row& a, const Row& b) { return key(a) < key(b); });
  GroupedAuc grouped_auc(layout_);
  std::map<int, RankingEvaluation> lists;  // By relevance task.
  std::vector<float> scores, labels;
  for (size_t begin = 0, end = 0; begin < rows_.size(); begin = end) {
    const Row& first = rows_[begin];
    scores.clear();
    labels.clear();
    for (; end < rows_.size() && key(rows_[end]) == key(first); ++end) {
      scores.push_back(rows_[end].score);
      labels.push_back(rows_[end].label);
    }
    if (first.task != kList) {
      grouped_auc.Add(first.scene, first.task, scores, labels);
    } else if (relevance_[first.scene] >= 0) {
      lists.try_emplace(relevance_[first.scene], layout_.scenes, k_).first->second.Add(first.scene, scores, labels);
    }
  }
  std::vector<EvaluationFigure> figures = grouped_auc.Figures();
  for (const auto& [task, evaluation] : lists) {
    for (EvaluationFigure& figure : evaluation.Figures(layout_.tasks[task].name)) figures.push_back(std::move(figure));
  }
  return figures;
}

}  // namespace polyscene
