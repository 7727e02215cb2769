// A Predict answer, best row first.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/ranking/predict_request.h"
#include "client/ranking/row_reader.h"
#include "client/status/status_json.h"
#include "polyscene/v1/prediction.pb.h"

namespace polyscene::cli {

// Numbers of the rows by descending ranking, ties as they came; as they came where nothing ranks. At most `top`, unless
// it is 0.
std::vector<int> RankRows(const v1::PredictResponse& response, int rows, int top);

// Columns: rank, ranking (if the scene has one), a column a task, and the values that tell the rows apart. A
// multi-class task shows its likeliest class and that one's probability, a forecast all its values.
std::string RankedTable(const PredictPlan& plan, const RowSet& rows, const v1::PredictResponse& response, int top);

// {"scene": .., "version": .., .., "rows": [{"rank": 1, "row": 0, "ranking": .., "scores": {task: number or array},
// "features":
// {..}}, ..]}
Json RankedJson(const PredictPlan& plan, const RowSet& rows, const v1::PredictResponse& response, int top);

// How many rows were scored. kInternal: the answer does not have as many scores as rows were sent.
absl::StatusOr<int> ScoredRows(const RowSet& rows, const v1::PredictResponse& response);

}  // namespace polyscene::cli
