#include "client/status/sparkline.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace polyscene::cli {
namespace {

constexpr const char* kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr const char* kAscii[] = {"_", ".", ",", "-", "=", "+", "*", "#"};
constexpr int kLevels = 8;

double Mean(absl::Span<const double> values) {
  double sum = 0;
  int count = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    sum += value;
    ++count;
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / count;
}

}  // namespace

std::string Sparkline(absl::Span<const double> values, int width, bool utf8) {
  if (width <= 0) return "";
  const size_t cells = std::min(values.size(), static_cast<size_t>(width));
  std::vector<double> shown;
  for (size_t cell = 0; cell < cells; ++cell) {
    const size_t begin = cell * values.size() / cells, end = (cell + 1) * values.size() / cells;
    shown.push_back(Mean(values.subspan(begin, end - begin)));
  }
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : shown) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  std::string line;
  for (const double value : shown) {
    if (!std::isfinite(value)) {
      line += ' ';
      continue;
    }
    const int level =
        high > low ? std::min(static_cast<int>((value - low) / (high - low) * kLevels), kLevels - 1) : kLevels / 2 - 1;
    line += utf8 ? kBlocks[level] : kAscii[level];
  }
  return line;
}

void History::Add(double value) {
  if (!std::isfinite(value)) return;
  open_sum_ += value;
  if (++open_count_ < stride_) return;
  means_.push_back(open_sum_ / static_cast<double>(open_count_));
  open_sum_ = 0;
  open_count_ = 0;
  if (means_.size() == kCapacity) Halve();
}

std::vector<double> History::Values() const {
  std::vector<double> values = means_;
  if (open_count_ > 0) values.push_back(open_sum_ / static_cast<double>(open_count_));
  return values;
}

void History::Halve() {
  for (size_t i = 0; i < means_.size() / 2; ++i) means_[i] = (means_[2 * i] + means_[2 * i + 1]) / 2;
  means_.resize(means_.size() / 2);
  stride_ *= 2;
}

}  // namespace polyscene::cli
