// Whether the loss of a scene's task has risen: a detector for each, fed row by row. No LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/evaluation/evaluation.h"

namespace polyscene {

// The test of Page and Hinkley on losses divided by their running deviation, so that one setting fits every task (Page,
// "Continuous Inspection Schemes", Biometrika 1954; Gama et al., "A Survey on Concept Drift Adaptation", ACM Computing
// Surveys 2014).
struct DriftOptions {
  bool watch = true;            // Else nothing is watched.
  double tolerance = 0.05;      // Deviations that the mean may rise without being drift.
  double threshold = 200;       // The sum that is an alarm, in deviations.
  int64_t minimum_rows = 5000;  // Rows before the first alarm, and after each: from them comes what is usual.
};

struct DriftFigure {
  std::string scene;
  std::string task;
  double level = 0;  // How far the sum is on its way to an alarm: 0 to 1.
  uint64_t alarms = 0;
  int64_t last_alarm_event_micros = 0;  // Event time of the row that raised the last one; 0: none, or not told.
};

// A function of the losses in their order alone: no clock, no chance. Not thread-safe. Copyable.
class DriftMonitor {
 public:
  DriftMonitor(EvaluationLayout layout, const DriftOptions& options);

  // One labelled row's loss, as it was before the row was learned. One that is not finite is passed over.
  void Add(int scene, int task, double loss, int64_t event_micros);
  void Clear();
  // A task's losses mean something else from now on: what is usual is learned anew. Its alarms stay.
  void Forget(int task);

  // One a scene and task that the scene has, in the layout's order; empty where nothing is watched.
  std::vector<DriftFigure> Figures() const;

  // Empty while no row was added.
  std::string Serialize() const;
  // What Serialize() wrote, for any layout: what has the names of a scene and a task here goes on, the rest is dropped.
  //   kDataLoss  not what it wrote; nothing changed
  absl::Status Restore(absl::string_view bytes);

 private:
  struct Detector {
    uint64_t rows = 0;  // Since the beginning or the last alarm, of which mean and squares are.
    double mean = 0;
    double squares = 0;  // Sum of squared distances from the mean.
    double sum = 0;      // Of what each loss was above the mean and the tolerance, and its lowest value.
    double lowest = 0;
    uint64_t alarms = 0;
    int64_t last_alarm_event_micros = 0;
  };

  bool empty(const Detector& detector) const { return detector.rows == 0 && detector.alarms == 0; }

  EvaluationLayout layout_;
  DriftOptions options_;
  std::vector<Detector> detectors_;  // [scenes, tasks]
};

}  // namespace polyscene
