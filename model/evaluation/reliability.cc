#include <algorithm>
#include <cmath>
#include <limits>

#include "model/evaluation/evaluation.h"
#include "model/evaluation/evaluation_cell.h"

namespace polyscene {
namespace {

constexpr uint64_t kReliabilityBins = 15;

// The middle of an AUC bin, as a probability.
double ProbabilityOf(size_t bin) {
  const double logit = (static_cast<double>(bin) + 0.5) * (2 * kMaxLogit / kAucBins) - kMaxLogit;
  return 1 / (1 + std::exp(-logit));
}

}  // namespace

std::vector<ReliabilityBin> Evaluation::Cell::Reliability() const {
  std::vector<ReliabilityBin> result;
  const uint64_t full = (static_cast<uint64_t>(rows) + kReliabilityBins - 1) / kReliabilityBins;
  ReliabilityBin filling;  // Sums until it is full.
  const auto finish = [&] {
    if (filling.rows == 0) return;
    filling.predicted /= static_cast<double>(filling.rows);
    filling.observed /= static_cast<double>(filling.rows);
    result.push_back(filling);
    filling = {};
  };
  for (size_t b = 0; b < bins.size(); ++b) {
    const uint64_t count = bins[b].negatives + bins[b].positives;
    if (count == 0) continue;
    filling.predicted += ProbabilityOf(b) * static_cast<double>(count);
    filling.observed += static_cast<double>(bins[b].positives);
    filling.rows += count;
    if (filling.rows >= full) finish();
  }
  finish();
  return result;
}

double Evaluation::Cell::CalibrationError() const {
  if (rows == 0) return std::numeric_limits<double>::quiet_NaN();
  double error = 0;
  for (const ReliabilityBin& bin : Reliability()) {
    error += std::abs(bin.predicted - bin.observed) * static_cast<double>(bin.rows);
  }
  return error / rows;
}

std::vector<ReliabilityBin> Evaluation::Reliability(int task) const {
  Cell all;
  for (size_t scene = 0; scene < layout_.scenes.size(); ++scene) all.Merge(cells_[scene * layout_.tasks.size() + task]);
  return all.Reliability();
}

}  // namespace polyscene
