// A model file for a table that nobody has described: from roles to features, scenes, tasks and a network.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/modelfile/roles.h"
#include "client/modelfile/table_sample.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

struct Proposal {
  v1::ModelFile file;

  // Beside the file's features and tasks, in their order: where each comes from, and why it is as it is.
  std::vector<int> feature_columns;
  std::vector<std::string> feature_reasons;
  std::vector<std::vector<int>> task_columns;
  std::vector<std::string> task_reasons;

  std::string scene_reason;
  std::string network_reason;
  std::string learning_reason;
  std::vector<Doubt> doubts;
};

// `name`: the model's; empty: made from the sample's path. The file passes ModelSpec's checks.
Proposal Propose(const TableSample& sample, const TableGuess& guess, const std::string& name);

}  // namespace polyscene
