// The AUC that the best possible model would reach: that of the probabilities the labels were drawn with.
#pragma once

#include <cstdint>
#include <vector>

#include "client/simulator/simulated_row.h"
#include "model/evaluation/evaluation.h"

namespace polyscene::simulator {

// Collects the truth of the rows that a server evaluates. Not thread-safe.
class BestReachable {
 public:
  explicit BestReachable(int64_t evaluate_from_seconds);  // Rows before it are left out.

  void Add(const SimulatedRow& row);

  // Of each binary task, scene by scene and then over all ("*"): metric "best_auc", NaN where only one class was seen.
  std::vector<EvaluationFigure> Figures() const;

 private:
  int64_t evaluate_from_seconds_;
  Evaluation evaluation_;
};

}  // namespace polyscene::simulator
