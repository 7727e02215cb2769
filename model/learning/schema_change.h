// From the state of one model file to another's: what is kept, by name, and what cannot be.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/spec/model_spec.h"

namespace polyscene {

struct SchemaChange {
  std::vector<int> tables;         // [old tables] the new model's index; -1: dropped.
  std::vector<int> statistics;     // [old statistics] likewise.
  bool evaluations_kept = false;   // Scenes and tasks are the same.
  std::vector<std::string> lines;  // What is new, what is dropped, for people.
};

// kFailedPrecondition: the old state means nothing to the new model (a table has another dimension, a feature another
// type, the network other widths, and so on); the message gives every reason.
absl::StatusOr<SchemaChange> PlanSchemaChange(const ModelSpec& from, const ModelSpec& to);

// Whether two row optimizers remember the same of a row: else its state begins anew where it changes from one to the
// other.
bool SameRowState(const v1::RowOptimizer& from, const v1::RowOptimizer& to);

// Whether the losses of a task's rows can be told against each other (see RowLoss()).
bool SameRowLoss(const TaskSpec& from, const TaskSpec& to);

// What each scaled or listed dense input of the network stands for, in their order: equal names mean equal inputs.
std::vector<std::string> DenseInputNames(const ModelSpec& spec);

}  // namespace polyscene
