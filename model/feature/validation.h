// Says whether columns fit the model file, before anything else looks at them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/data/columns.h"
#include "model/data/examples.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Why rows are refused: the values of the `reason` label of polyscene_events_rejected_total.
inline constexpr absl::string_view kRejectReasons[] = {
    "unknown_scene",
    "unknown_feature",
    "unknown_task",
    "wrong_type",
    "ragged",
    "missing_value",
    "not_finite",
    "out_of_range",
    "too_many_rows",
    "no_rows",
    // Of labels and exposures alone.
    "no_such_row",
    "not_exposed",
    "late",
    "damaged",
};

struct RowError {
  int64_t row = 0;
  absl::string_view reason;  // One of kRejectReasons.
  std::string message;       // Names the field, what came and what was expected.
};

// A request's columns against one scene. Strict: any bad row refuses the request.
//   kInvalidArgument  names the field, the row, what came and what was expected
// Context: one row, or N rows in a scene without candidate features (`candidates` must then be empty).
absl::Status ValidateRequest(const ModelSpec& spec, const SceneSpec& scene, const TableView& context,
                             const TableView& candidates, int64_t max_rows);

// Labelled rows, each on its own: appends one error for each bad row, ascending by row, the first thing wrong with it.
// What makes the whole batch unreadable (an unknown scene or column, ragged lengths, a wrong type) refuses every row.
void ValidateExamples(const ModelSpec& spec, const ExamplesView& examples, int64_t max_rows,
                      std::vector<RowError>& errors);

// The same for labels without their features, whose scene is not known yet: of any of the model file's tasks.
void ValidateLabels(const ModelSpec& spec, const ExamplesView& labels, int64_t max_rows, std::vector<RowError>& errors);

}  // namespace polyscene
