// The series that tell whether losses have risen.
#pragma once

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "model/evaluation/drift.h"
#include "model/spec/model_spec.h"
#include "server/metrics/series_builder.h"

namespace polyscene {

// There are none where the model file watches nothing. The trainer's thread alone sets them; what it makes belongs to
// the builder's registry, which outlives it.
class DriftSeries {
 public:
  DriftSeries(SeriesBuilder& build, const ModelSpec& spec);

  // Alarms count on where figures come from an older checkpoint: a counter never goes back.
  void Set(absl::Span<const DriftFigure> figures);

 private:
  struct Pair {
    prometheus::Gauge* level = nullptr;
    prometheus::Counter* alarms = nullptr;
  };
  absl::flat_hash_map<std::pair<std::string, std::string>, Pair> pairs_;  // By scene and task.
};

}  // namespace polyscene
