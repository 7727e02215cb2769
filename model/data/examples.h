// Labelled rows of one scene, as plain columns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/data/columns.h"

namespace polyscene {

// One task's labels, borrowed. values: [rows, outputs] row-major, in the label's own unit; outputs is 1, or a
// forecast's horizon.
struct LabelsView {
  absl::string_view task;
  absl::Span<const float> values;
  absl::Span<const uint32_t> missing;  // Ascending row numbers without a label; their values are ignored.
};

// One task's scores as callers got them, borrowed. values: [rows, outputs] row-major, as served.
struct ServedView {
  absl::string_view task;
  absl::Span<const float> values;
  absl::Span<const uint32_t> missing;  // Ascending row numbers without a score; their values are ignored.
};

// Labelled rows of one scene, borrowed.
struct ExamplesView {
  absl::string_view scene;
  TableView features;                            // Context and candidate features alike, one value a row.
  std::vector<LabelsView> labels;                // A task left out has no labels in these rows.
  absl::Span<const float> weights;               // [rows], or empty: 1 each.
  absl::Span<const int64_t> event_times_micros;  // [rows] since 1970, or empty: unknown.
  std::vector<ServedView> served;                // Of rows that were remembered at Predict; else empty.
  // Ascending rows that correct what was learned before, perhaps with a weight below 0: learned, not evaluated.
  absl::Span<const uint32_t> corrections;

  int64_t rows() const { return features.rows; }
};

}  // namespace polyscene
