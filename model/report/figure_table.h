// An evaluation as people read it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "model/evaluation/evaluation.h"

namespace polyscene {

// The figures of one scene and task.
struct FigureLine {
  std::string scene;
  std::string task;
  uint64_t rows = 0;                     // The most that one of them has.
  std::map<std::string, double> values;  // By metric.
};

struct FigureLines {
  std::vector<std::string> metrics;  // That some line has, in MetricOrder(); others after it, as they first appear.
  std::vector<FigureLine> lines;     // In the figures' order, "*" (all scenes together) last.
};
FigureLines ArrangeFigures(absl::Span<const EvaluationFigure> figures);

// One line a scene and task with the metrics side by side, in the figures' order, "*" (all scenes together) last.
// Metrics that no task of it has are left out; a figure that its rows do not define shows as "-".
std::string FigureTable(absl::Span<const EvaluationFigure> figures);

}  // namespace polyscene
