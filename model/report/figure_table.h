// An evaluation as people read it.
#pragma once

#include <string>

#include "absl/types/span.h"
#include "model/evaluation/evaluation.h"

namespace polyscene {

// One line a scene and task with the metrics side by side, in the figures' order, "*" (all scenes together) last.
// Metrics that no task of it has are left out; a figure that its rows do not define shows as "-".
std::string FigureTable(absl::Span<const EvaluationFigure> figures);

}  // namespace polyscene
