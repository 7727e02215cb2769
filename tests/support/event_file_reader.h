// Reads TensorBoard's event files by the format's description alone, sharing nothing with what writes them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace polyscene {

struct ReadHistogram {
  double min = 0, max = 0, num = 0, sum = 0, sum_squares = 0;
  std::vector<double> limits, counts;
};

struct ReadEvents {
  std::string error;  // What breaks the format, with its place; empty: nothing.
  std::string file_version;
  std::map<std::string, std::vector<std::pair<int64_t, float>>> scalars;             // By tag: (step, value).
  std::map<std::string, std::vector<std::pair<int64_t, ReadHistogram>>> histograms;  // Likewise.
};

// Every record of `bytes`, its checksums compared.
ReadEvents ReadEventFile(const std::string& bytes);

}  // namespace polyscene
