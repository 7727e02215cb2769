// What a batch costs, learned from those that were scored.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace polyscene {

// The idea: scoring `rows` rows takes fixed + rows x per_row. The fixed part (starting the forward, reading the
// weights) is what batching saves; once it is a small share of a batch, more rows only make those wait that could have
// been answered. So the right number of rows follows from the two costs, whatever the model and the machine, and they
// are fitted to the measured batches by least squares in which a batch fades as later ones come. Every batch counts by
// its relative error: a large one says no more than a small one.
//
// Not thread-safe.
class BatchCost {
 public:
  // A batch of `rows` rows, at least one, took so long. Nothing is learned from a time that is not above zero, which a
  // clock that was set back gives; a sudden hundredfold (the machine was elsewhere) counts as a little.
  void Observe(int64_t rows, absl::Duration took);

  absl::Duration fixed() const { return absl::Seconds(fixed_); }
  absl::Duration per_row() const { return absl::Seconds(per_row_); }

  // The rows from which the fixed part is at most kFixedShare of a batch, within `min` to `max` (at least 1).
  int64_t RowLimit(int64_t min, int64_t max) const;

  // How long scoring so many rows at once takes. Zero before the first batch was measured.
  absl::Duration Of(int64_t rows) const { return absl::Seconds(fixed_ + per_row_ * static_cast<double>(rows)); }

  // How long `workers` workers take for `rows` rows in batches of `batch_rows`. Zero before the first batch was
  // measured.
  absl::Duration Backlog(int64_t rows, int64_t batch_rows, int workers) const;

  static constexpr double kFixedShare = 0.05;  // A batch of twice the rows would cost 2.5 % less a row.
  // Before anything is measured the fixed part is taken for that of so many rows: LibTorch's on a CPU (0.12 ms beside
  // 15 us a row). It is also what decides between the two costs while all batches have the same size.
  static constexpr double kRowsOfFixed = 8;

 private:
  void Fit();

  double fixed_ = 0;  // Seconds, as is the next.
  double per_row_ = 0;

  // Faded sums over batches, of a weight w = 1 / (1 + x)^2, with x the rows in units of kRowsOfFixed and y the seconds.
  double w_ = 0;
  double wx_ = 0;
  double wxx_ = 0;
  double wy_ = 0;
  double wxy_ = 0;
  double count_ = 0;  // Batches, faded.
};

}  // namespace polyscene
