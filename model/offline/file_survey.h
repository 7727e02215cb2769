// A first look at files: what training must know before its first step.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "model/feature/statistics.h"
#include "model/offline/example_files.h"

namespace polyscene {

struct FileSurvey {
  int64_t rows = 0;               // Good and selected.
  std::vector<int64_t> labelled;  // [tasks] of these, how many have the task's label.
  FeatureStatistics statistics;   // Of their numeric features.
};

// Reads every selected row once. progress: told the fraction read, now and then; false stops it.
//   ExampleRows' errors
//   kCancelled  `progress` said so
absl::StatusOr<FileSurvey> SurveyFiles(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                       const RowSelection& selection, RefusedRows* refused,
                                       const std::function<bool(double)>& progress);

}  // namespace polyscene
