// The simulated rows as columns: the features and tasks of deploy/models/marketplace.textproto. Files, streams and
// checks all read these two tables.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "client/simulator/simulated_row.h"
#include "model/data/columns.h"

namespace polyscene::simulator {

struct SimulatedFeature {
  absl::string_view name;
  ValueType type = ValueType::kInt64;
  bool candidate = false;
  bool search_only = false;
  int decimals = 0;  // FLOAT: `number` counts units of 10^-decimals, so that a file shows exactly what a stream sends.
  // One of the two. `i` is 0 but for sequences.
  int64_t (*number)(const SimulatedRow& row, int i) = nullptr;  // kNone: missing.
  absl::string_view (*text)(const SimulatedRow& row, int i) = nullptr;
  int (*length)(const SimulatedRow& row) = nullptr;  // Of a sequence; null for other features.

  bool In(Scene scene) const {
    return candidate ? search_only ? scene == Scene::kSearch : scene != Scene::kBehaviour
                     : !search_only || scene == Scene::kSearch;
  }
};

enum class TaskKind { kBinary, kMultiClass, kRegression, kForecast };

struct SimulatedTask {
  absl::string_view name;
  TaskKind kind = TaskKind::kBinary;
  int width = 1;                                               // Values of a label.
  int decimals = 0;                                            // `label` counts units of 10^-decimals.
  bool scenes[kScenes] = {};                                   // Indexed by Scene.
  int64_t (*label)(const SimulatedRow& row, int i) = nullptr;  // kNone: missing.
  float (*probability)(const SimulatedRow& row) = nullptr;     // Binary: the truth that the label was drawn with.

  bool In(Scene scene) const { return scenes[static_cast<int>(scene)]; }
};

absl::Span<const SimulatedFeature> Features();
absl::Span<const SimulatedTask> Tasks();

// 10^decimals.
inline double UnitsPerOne(int decimals) {
  double units = 1;
  while (decimals-- > 0) units *= 10;
  return units;
}

}  // namespace polyscene::simulator
