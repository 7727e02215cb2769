// Checks a table's columns against the model file. Private to this folder.
#pragma once

#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "model/data/columns.h"
#include "model/feature/row_errors.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// What a table is, which says what may be in it.
enum class TableRole {
  kContext,     // Context features.
  kCandidates,  // Candidate features.
  kExamples,    // Both.
};

// [columns] of a table: which feature each is, as an index into ModelSpec::features(). Names are looked up once a
// request, and a usual number of columns asks the heap for nothing.
using ColumnFeatures = absl::InlinedVector<int, 64>;

// Whether each column is a feature of the scene, on the right side, once; fills `features`, which is empty. Says
// nothing of rows, so it can tell a column in the wrong table before its number of rows looks wrong.
std::optional<BatchError> CheckNames(const ModelSpec& spec, const SceneSpec& scene, const TableView& table,
                                     TableRole role, ColumnFeatures& features);

// Whether each column has its feature's type and shape, and each required feature a column. After CheckNames(), which
// told the features, as for the next.
std::optional<BatchError> CheckShapes(const ModelSpec& spec, const SceneSpec& scene, const TableView& table,
                                      TableRole role, const ColumnFeatures& features);

// Checks each row's values. After CheckShapes().
void CheckValues(const ModelSpec& spec, const TableView& table, TableRole role, const ColumnFeatures& features,
                 RowErrors& errors);

}  // namespace polyscene
