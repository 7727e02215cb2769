// Answers of the server as JSON: snake_case keys, integers as numbers, what is not finite as null.
#pragma once

#include "google/protobuf/repeated_field.h"
#include "nlohmann/json.hpp"
#include "polyscene/v1/model_service.pb.h"

namespace polyscene::cli {

using Json = nlohmann::ordered_json;  // Keys stay in the order they are set.

Json JsonNumber(double value);  // null where it is not finite.

// [{"scene": .., "task": .., "metric": .., "value": .., "rows": ..}, ...]
Json EvaluationJson(const google::protobuf::RepeatedPtrField<v1::EvaluationFigure>& figures);

Json StatusJson(const v1::GetStatusResponse& status);

// Prints `json` on standard output.
void PrintJson(const Json& json);

}  // namespace polyscene::cli
