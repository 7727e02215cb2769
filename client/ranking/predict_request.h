// Rows as a Predict request, by what the model file says of its features.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/ranking/row_reader.h"
#include "polyscene/v1/model.pb.h"
#include "polyscene/v1/prediction.pb.h"

namespace polyscene::cli {

struct PredictInput {
  std::string scene;                           // Empty: the one that the rows name, or the only one there is.
  std::vector<std::string> tasks;              // Empty: all of the scene.
  std::map<std::string, std::string> context;  // Context features by name, over those of the rows. Sequences with '|'.
  RowSet rows;                                 // Candidates; without any, one row that `context` alone fills.
};

struct PredictPlan {
  v1::PredictRequest request;
  bool has_candidates = false;  // Of the scene. Otherwise each row is scored by its context features.
  // What tells rows apart: candidate features (context features in a scene without candidates) that the rows have.
  struct Shown {
    std::string feature;
    int column = 0;  // Of the rows.
    bool number = false;
  };
  std::vector<Shown> shown;
  std::set<std::string> multi_class;  // Tasks whose scores are a probability a class.
  // Context features whose value in a later row is another than in the first, which is the one that counts.
  std::vector<std::string> varying_context;
};

// Features are found in the rows by their name, or by the column that the model file names; what is neither is passed
// over.
//   kInvalidArgument  no such scene, task or context feature; no candidates; a value that is none of its feature's type
absl::StatusOr<PredictPlan> PlanPrediction(const v1::ModelFile& model, const PredictInput& input);

}  // namespace polyscene::cli
