// Evaluation of requests whose rows come apart.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/evaluation/evaluation.h"

namespace polyscene {

// A file's rows come scene by scene and not request by request: this keeps of each what a request is evaluated by, and
// evaluates them once all are there. Memory: 24 bytes a row and task; once there are more than `max_rows` of them, all
// are let go of and there are no figures. Not thread-safe.
class RequestCollector {
 public:
  static constexpr int64_t kMaxRows = 4'000'000;  // 96 MB.

  // relevance: [scenes] the task whose labels are the gains of a list's rows, -1 for none. k: of NDCG.
  RequestCollector(EvaluationLayout layout, std::vector<int> relevance, int k = 10, int64_t max_rows = kMaxRows);

  // One labelled row of a binary task. request: who it belongs to, or the hash of it.
  void AddScored(uint64_t request, int scene, int task, float score, float label);

  // One row of a list, by what it is ordered by; gain: 0 where its relevance label is missing.
  void AddRanked(uint64_t request, int scene, float ranking, float gain);

  // GroupedAuc's figures, then RankingEvaluation's of each relevance task.
  std::vector<EvaluationFigure> Figures() const;

 private:
  struct Row {
    uint64_t request = 0;
    int32_t scene = 0;
    int32_t task = 0;  // kList: of a list.
    float score = 0;
    float label = 0;
  };
  static constexpr int32_t kList = -1;

  void Add(const Row& row);

  const EvaluationLayout layout_;
  const std::vector<int> relevance_;
  const int k_;
  const int64_t max_rows_;
  bool full_ = false;
  mutable std::vector<Row> rows_;  // Figures() sorts them.
};

}  // namespace polyscene
