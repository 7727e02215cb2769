// What the sampled fields of one column are.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client/modelfile/table_sample.h"
#include "model/data/columns.h"

namespace polyscene {

// Beyond so many distinct values a column's values are counted but not listed.
inline constexpr int64_t kListedValues = 100;

struct ColumnProfile {
  std::string name;
  int column = 0;
  int64_t rows = 0;
  int64_t empty = 0;

  // How many of the others each reader of fields takes.
  int64_t ints = 0;
  int64_t floats = 0;
  int64_t times = 0;    // ISO 8601, or numbers that would be a time from 1980 to 2100.
  int64_t utf8 = 0;     // As a STRING may be: at most 1,024 bytes of UTF-8.
  int64_t barred = 0;   // With a '|'.
  int64_t spaced = 0;   // With a space.
  int64_t slashed = 0;  // Numbers between '/' or '.', as in 6/15/2021.
  int64_t dotted = 0;   // Numbers written with a '.'.
  int64_t padded = 0;   // Whole numbers that begin with a 0 and another digit.
  int64_t markers = 0;  // NA, null, ? and the like, which a reader takes for text.
  std::string marker;   // The first of them.
  double mean_bytes = 0;

  int64_t distinct = 0;
  int64_t once = 0;  // Of those, seen a single time.
  std::vector<std::pair<std::string, int64_t>>
      values;              // With their counts, most frequent first; none beyond kListedValues.
  bool ascending = false;  // Numbers or times, none before the one above it; with at least two different ones.

  // Of the numbers (floats > 0). Skewness between the 0.1st and 99.9th percentile: a slip of the keyboard is no tail.
  double min = 0;
  double max = 0;
  double mean = 0;
  double deviation = 0;
  double skewness = 0;
  double log_mean = 0;  // Of log(1 + x), where min is 0 or more.
  double log_deviation = 0;
  double log_skewness = 0;
  std::vector<double> percentiles;  // 0, 1, .. 100.

  // As sequences of '|'-separated items.
  int64_t items = 0;
  int64_t distinct_items = 0;
  bool int_items = false;
  int64_t longest = 0;

  int64_t filled() const { return rows - empty; }
  bool all_numbers() const { return filled() > 0 && floats == filled(); }
  bool all_ints() const { return filled() > 0 && ints == filled(); }
  bool all_times() const { return filled() > 0 && times == filled(); }
  bool numbers_but_markers() const { return markers > 0 && floats > 0 && floats + markers == filled(); }
  bool zero_or_one() const {
    return all_numbers() && min >= 0 && max <= 1 && distinct <= 2 && min != max && whole_numbers;
  }
  bool whole_numbers = false;  // All are numbers without a fraction.
};

ColumnProfile ProfileColumn(const TableSample& sample, int column);

// "23 values in 1,000 rows, 2 % empty", for reasons.
std::string DescribeValues(const ColumnProfile& profile);

}  // namespace polyscene
