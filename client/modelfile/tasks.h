// From label columns to tasks: what kind of thing each is, and how it is scaled.
#pragma once

#include <string>
#include <vector>

#include "client/modelfile/roles.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

struct ProposedTask {
  v1::Task task;  // Without name and columns.
  std::string suggested_name;
  std::vector<int> columns;  // Of the table: one, or a forecast's in order.
  std::string reason;
  std::vector<Doubt> doubts;  // `instead` holds the kind alone, e.g. "regression { }"; the writer makes it a line.
};

// At least one, if there is a label.
std::vector<ProposedTask> MakeTasks(const TableGuess& guess);

}  // namespace polyscene
