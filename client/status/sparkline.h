// A history as a line of characters, and the history itself.
#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"

namespace polyscene::cli {

// `values`, oldest first, as at most `width` characters: fewer values, one character each; more, each character is the
// mean of its share of them. Levels span the smallest to the largest shown; where all are the same, the middle. What is
// not finite is a space. utf8: eighths of blocks, else ASCII of rising height.
std::string Sparkline(absl::Span<const double> values, int width, bool utf8);

// Values as they come, in bounded memory, over all the time since the first: when it is full, neighbours are joined to
// their mean and each place stands for twice as many values from then on.
class History {
 public:
  static constexpr size_t kCapacity = 256;  // More than a terminal is wide.

  void Add(double value);  // What is not finite is passed over.

  // Oldest first. The last one may be the mean of fewer values than the others.
  std::vector<double> Values() const;

 private:
  void Halve();

  std::vector<double> means_;  // Of `stride_` values each.
  size_t stride_ = 1;
  double open_sum_ = 0;  // Of the values that no mean has yet.
  size_t open_count_ = 0;
};

}  // namespace polyscene::cli
