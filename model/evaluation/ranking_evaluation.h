// Evaluation of ranked lists, per scene.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/evaluation/evaluation.h"

namespace polyscene {

// Means over requests. Not thread-safe.
class RankingEvaluation {
 public:
  RankingEvaluation(std::vector<std::string> scenes, int k)
      : k_(k), scenes_(std::move(scenes)), sums_(scenes_.size()) {}

  // One request's rows. Without any gain it counts for nothing: no order of it is better than another.
  void Add(int scene, absl::Span<const float> scores, absl::Span<const float> gains);

  // ndcg@k and mrr of `task` (the one whose labels were the gains), scene by scene, then "*" where there are several.
  // Each metric's name ends in `suffix`; `rows` are those of the requests that count.
  std::vector<EvaluationFigure> Figures(absl::string_view task, absl::string_view suffix = "") const;

  int64_t requests(int scene) const { return sums_[scene].requests; }  // That count.

 private:
  struct Sums {
    int64_t requests = 0;
    uint64_t rows = 0;
    double ndcg = 0;
    double reciprocal_rank = 0;
  };

  int k_;
  std::vector<std::string> scenes_;
  std::vector<Sums> sums_;
};

// AUC within requests, a binary task at a time: the mean of each request's own AUC, weighted by its rows (Zhu et al.,
// "Optimized Cost per Click in Taobao Display Advertising", KDD 2017). Scores that only tell users apart, and not what
// is shown to one of them, reach 0.5. Not thread-safe.
class GroupedAuc {
 public:
  explicit GroupedAuc(EvaluationLayout layout);

  // One request's labelled rows of a scene and task (indexes). A request of one class counts for nothing.
  void Add(int scene, int task, absl::Span<const float> scores, absl::Span<const float> labels);

  // "gauc" of each scene and task that has one, then "*".
  std::vector<EvaluationFigure> Figures() const;

 private:
  struct Sums {
    uint64_t rows = 0;
    double weighted = 0;  // Rows x AUC.
  };

  EvaluationLayout layout_;
  std::vector<Sums> sums_;  // [scenes, tasks]
};

}  // namespace polyscene
