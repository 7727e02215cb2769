// What was learned beside what could have been.
#pragma once

#include <vector>

#include "absl/types/span.h"
#include "google/protobuf/repeated_field.h"
#include "model/evaluation/evaluation.h"
#include "polyscene/v1/features.pb.h"

namespace polyscene::cli {

// `learned` with each "auc" followed by the figure of `best` for the same scene and task, where there is one.
google::protobuf::RepeatedPtrField<v1::EvaluationFigure> WithBestFigures(
    const google::protobuf::RepeatedPtrField<v1::EvaluationFigure>& learned, absl::Span<const EvaluationFigure> best);

}  // namespace polyscene::cli
