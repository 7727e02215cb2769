// An evaluation as programs read it.
#pragma once

#include "absl/types/span.h"
#include "model/evaluation/evaluation.h"
#include "nlohmann/json.hpp"

namespace polyscene {

using Json = nlohmann::ordered_json;  // Keys stay in the order they are set.

Json JsonNumber(double value);  // null where it is not finite.

// [{"scene": .., "task": .., "metric": .., "value": .., "rows": ..}, ...]
Json FiguresJson(absl::Span<const EvaluationFigure> figures);

// Prints `json` on standard output, as one line.
void PrintJson(const Json& json);

}  // namespace polyscene
