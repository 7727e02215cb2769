// Running statistics of numeric features and of labels. They stream with the events and travel inside snapshot and
// checkpoint, so that training and serving scale alike.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyscene {

// Of one numeric encoding or task, over the values it saw (after log1p where it has one).
struct RunningStatistics {
  int64_t count = 0;
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double mean = 0;
  double m2 = 0;  // Sum of squared deviations from the mean (Welford, 1962).

  void Add(double value);
  double deviation() const;  // Of the population; 0 before two different values.
};

// One entry a scaled numeric encoding, indexed by EncodingSpec::statistics, and one a standardized task behind them,
// indexed by TaskSpec::statistics. Copyable; not thread-safe.
struct FeatureStatistics {
  std::vector<RunningStatistics> entries;

  explicit FeatureStatistics(int count = 0) : entries(count) {}

  std::string Serialize() const;                                            // Bit-exact, little-endian.
  static absl::StatusOr<FeatureStatistics> Parse(absl::string_view bytes);  // kDataLoss: not what Serialize() wrote.
};

}  // namespace polyscene
