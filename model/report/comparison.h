// Several models, trained on the same rows and evaluated on the same others: which is better at what.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "model/evaluation/evaluation.h"
#include "model/report/figure_json.h"

namespace polyscene {

// One training of one model.
struct ComparedRun {
  uint64_t seed = 0;  // Of the order of rows.
  std::vector<EvaluationFigure> figures;
  double test_loss = 0;  // The weighted one; NaN where nothing was evaluated.
  uint64_t rows_learned = 0;
  double seconds = 0;  // Of training alone.
  uint64_t table_rows = 0;
  int64_t peak_memory_bytes = 0;  // Of the process while it trained and evaluated; 0: the system does not tell.
};

struct ComparedModel {
  std::string path;
  std::string label;  // What tables call it.
  std::string name;   // Of the model file; this and what follows are empty where it cannot be read.
  std::string fingerprint;
  int64_t parameters = 0;  // Dense weights.
  int64_t train_rows = 0;  // Of one epoch.
  int64_t test_rows = 0;
  std::vector<ComparedRun> runs;  // Those that came to their end.
  std::string error;              // Why the others did not; empty: all did.
};

// Mean and sample standard deviation over `count` runs. NaN where a run's value is, and the deviation of one run.
struct MeanOverRuns {
  double mean = 0;
  double deviation = 0;
  int count = 0;
};
MeanOverRuns OverRuns(absl::Span<const double> values);

// A figure of every model.
struct ComparedFigure {
  std::string scene;
  std::string task;
  std::string metric;
  uint64_t rows = 0;
  std::vector<MeanOverRuns> values;  // [models]; of no run where the model does not have it.
  std::vector<bool> best;            // [models] Nobody's mean is better, and somebody's is worse.
};

// By scene ("*" last), task and metric, in the order of the first model that has each.
std::vector<ComparedFigure> CompareFigures(absl::Span<const ComparedModel> models);

// In how many of the figures a model is (among) the best.
int BestCount(absl::Span<const ComparedFigure> figures, size_t model);

// What a model costs, over its runs.
struct ModelCost {
  MeanOverRuns table_rows;
  MeanOverRuns seconds;
  MeanOverRuns rows_per_second;
  MeanOverRuns test_loss;
  int64_t peak_memory_bytes = 0;  // The largest; 0: unknown.
};
ModelCost CostOf(const ComparedModel& model);

// "0.6790 ± 0.0012", both to the same digit; of one run "0.6790", of none "".
std::string WithDeviation(const MeanOverRuns& value);

// Paths as short as they can be told apart: without folder and extension where these names differ.
std::vector<std::string> ShortLabels(absl::Span<const std::string> paths);

// The table of figures, "0.6790 ± 0.0012 *" where the best is marked; the table of what each model costs; what failed.
std::string ComparisonText(absl::Span<const ComparedModel> models);

// {"models": [{"model": path, ..., "evaluation": [..], "seeds": [..]}, ...]}: a figure as elsewhere, its value the mean
// over the runs, with "deviation", "runs" and "best"; then each run's own.
Json ComparisonJson(absl::Span<const ComparedModel> models);

}  // namespace polyscene
