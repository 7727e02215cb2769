// Answers of the server as JSON: snake_case keys, integers as numbers, what is not finite as null.
#pragma once

#include <vector>

#include "google/protobuf/repeated_field.h"
#include "model/report/figure_json.h"
#include "polyscene/v1/model_service.pb.h"

namespace polyscene::cli {

// The wire's figures as the readers of figures (model/report) take them.
std::vector<EvaluationFigure> FiguresOf(const google::protobuf::RepeatedPtrField<v1::EvaluationFigure>& figures);

Json StatusJson(const v1::GetStatusResponse& status);

}  // namespace polyscene::cli
