// What an Evaluation sums for one scene and task. Private to this folder.
//
// Counts are doubles, so that they can fade with the sums (Fade()). Where nothing fades they are whole and exact: up to
// 2^53 rows.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "model/evaluation/evaluation.h"

namespace polyscene {

inline constexpr int kAucBins = 8192;
inline constexpr double kMaxLogit = 16;  // Bins cover [-16, 16]; what is beyond counts in the outermost ones.

struct Evaluation::Cell {
  // Rows of each class whose predicted logit fell into one bin.
  struct Bin {
    uint64_t negatives = 0;
    uint64_t positives = 0;
  };

  // Of one output of a regression or forecast.
  struct Errors {
    double squared = 0;
    double absolute = 0;
    double pinball = 0;  // Of a quantile,
    double covered = 0;  // and the labels at or below it.
    double label_mean = 0;
    double label_m2 =
        0;  // Squared deviations of the labels from their mean (Welford, 1962): a sum of squares would cancel.
  };

  double rows = 0;
  double correct = 0;           // Binary, multi-class.
  double log_loss = 0;          // Binary, multi-class: summed over rows.
  double predictions = 0;       // Binary: summed over rows.
  double positives = 0;         // Binary: rows with a positive label.
  std::vector<Bin> bins;        // Binary: [kAucBins] from the first row on; none where rows fade.
  std::vector<Errors> outputs;  // Regression, forecast: [outputs] from the first row on.

  void AddBinary(float prediction, float label);
  void AddBinaryWithoutBins(float prediction, float label);
  void AddMultiClass(absl::Span<const float> prediction, float label);
  void AddRegression(absl::Span<const float> prediction, absl::Span<const float> label, double quantile);

  std::vector<ReliabilityBin> Reliability() const;  // Binary.
  double CalibrationError() const;                  // Binary; NaN without a row.

  void Merge(const Cell& other);
  void Fade(double share);  // Every row so far counts `share` of what it did. Not its bin.
  void Clear();             // Keeps the memory, for whoever fills the cell again at once.
};

}  // namespace polyscene
