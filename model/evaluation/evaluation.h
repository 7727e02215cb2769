// Evaluation per scene and task: streaming, mergeable, part of the checkpoint. No LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace polyscene {

// One figure. Metrics, by kind of task:
//   binary       auc, log_loss, accuracy (at 0.5), calibration (sum of predictions / sum of labels), calibration_error,
//                normalized_entropy (log loss / that of the label rate, He et al., "Practical Lessons from Predicting
//                Clicks on Ads at Facebook", ADKDD 2014)
//   multi-class  accuracy, log_loss
//   regression   mse, mae, r2; forecast: the same for each output as task "name[i]"
//   quantile     of a regression or forecast:
//                pinball (the mean loss whose best score is that quantile), coverage (share of labels at or below the
//                score, which ought to be the quantile), mae
struct EvaluationFigure {
  std::string scene;  // "*": all scenes together.
  std::string task;
  std::string metric;
  double value = 0;   // NaN where the rows do not define it.
  uint64_t rows = 0;  // Labelled rows.
};

// Rows whose predictions are next to each other: what was said of them, and what came.
struct ReliabilityBin {
  double predicted = 0;  // Mean prediction.
  double observed = 0;   // Share of positive labels.
  uint64_t rows = 0;
};

enum class EvaluatedKind { kBinary, kMultiClass, kRegression, kForecast };

struct EvaluatedTask {
  std::string name;
  EvaluatedKind kind = EvaluatedKind::kBinary;
  int outputs = 1;      // Of a prediction: 1, classes, or horizon.
  int label_width = 1;  // Of a label: 1, or horizon.
  double quantile = 0;  // That scores of a regression or forecast are to be; 0: they are means.
};

// Which cells there are: scenes x the tasks each has.
struct EvaluationLayout {
  std::vector<std::string> scenes;
  std::vector<EvaluatedTask> tasks;
  std::vector<std::vector<int>> scene_tasks;  // [scenes] indexes of its tasks.
};

// Sums over every row added. Memory follows the cells that saw rows, not the rows: AUC comes from counts in 8,192 bins
// of the logit over [-16, 16] (ties within a bin averaged), which moves it by less than 1e-4 (a test holds it to that).
// Not thread-safe. Copyable.
class Evaluation {
 public:
  explicit Evaluation(EvaluationLayout layout);
  ~Evaluation();
  Evaluation(const Evaluation&);
  Evaluation& operator=(const Evaluation&);
  Evaluation(Evaluation&&) noexcept;
  Evaluation& operator=(Evaluation&&) noexcept;

  // Adds one labelled row of `scene` and `task` (indexes). prediction: [outputs] probabilities, or values on the scale
  // that evaluation is to use; label: [label_width], a class's number within 0 .. outputs - 1. Weights do not count
  // here: every row counts once. Log loss takes probabilities as within [e^-16, 1 - e^-16]; a NaN prediction makes the
  // sums it enters NaN.
  void Add(int scene, int task, absl::Span<const float> prediction, absl::Span<const float> label);

  void Merge(const Evaluation& other);  // Of the same layout.
  void Clear();

  // Every figure of every cell that saw a row: scene by scene in the layout's order, then "*".
  std::vector<EvaluationFigure> Figures() const;

  // A binary task over all scenes: up to 15 bins of about equally many rows, ascending; none where it saw no row. Bins
  // of equal width would hold nearly all rows of a rare label in one. calibration_error is the mean over rows of what
  // lies between its bin's two numbers (the expected calibration error of Naeini, Cooper and Hauskrecht, "Obtaining
  // Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015, over bins of equal rows as in Nguyen and
  // O'Connor, "Posterior calibration and exploratory analysis", EMNLP 2015). Predictions count as the middle of their
  // AUC bin, which moves a probability by less than 5e-4.
  std::vector<ReliabilityBin> Reliability(int task) const;

  std::string Serialize() const;
  // kDataLoss: not what Serialize() wrote for this layout.
  static absl::StatusOr<Evaluation> Parse(EvaluationLayout layout, absl::string_view bytes);

 private:
  friend class EvaluationWindow;  // Moves cells between its halves.
  friend class FadingEvaluation;  // Fades them row by row.

  struct Cell;
  Cell& CellOf(int scene, int task);
  void AppendFigures(absl::string_view scene, int task, const Cell& cell, std::vector<EvaluationFigure>& figures) const;

  EvaluationLayout layout_;
  std::vector<Cell> cells_;  // [scenes, tasks]
};

// The recent past: at least the last `window_rows` labelled rows of each cell, at most twice as many (two halves of
// which the older is dropped when the newer is full). Not thread-safe.
class EvaluationWindow {
 public:
  EvaluationWindow(EvaluationLayout layout, int64_t window_rows);

  void Add(int scene, int task, absl::Span<const float> prediction, absl::Span<const float> label);
  void Clear();
  std::vector<EvaluationFigure> Figures() const;

  std::string Serialize() const;
  absl::Status Restore(absl::string_view bytes);  // kDataLoss; unchanged then.

 private:
  EvaluationLayout layout_;
  int64_t window_rows_;
  Evaluation newer_;  // Each cell below window_rows_ rows.
  Evaluation older_;
};

// Area under the ROC curve of scores against 0/1 labels, exact, ties averaged; NaN where one class is absent.
double ExactAuc(absl::Span<const float> scores, absl::Span<const float> labels);

}  // namespace polyscene
