#include "model/evaluation/evaluation_cell.h"

#include <algorithm>
#include <cmath>

namespace polyscene {
namespace {

// sigmoid(-kMaxLogit): the log loss of a sure and wrong answer is 16, not infinite.
const double kMinProbability = 1 / (1 + std::exp(kMaxLogit));

constexpr double kBinsPerLogit = kAucBins / (2 * kMaxLogit);

double Probability(float prediction) { return std::clamp(double{prediction}, kMinProbability, 1 - kMinProbability); }

}  // namespace

void Evaluation::Cell::AddBinary(float prediction, float label) {
  if (bins.empty()) bins.resize(kAucBins);
  const double p = Probability(prediction);
  // 1 - p is exact: p is a float of at least 2^-24.
  const double position = (std::log(p) - std::log(1 - p) + kMaxLogit) * kBinsPerLogit;
  // Written so that NaN falls into the first bin.
  Bin& bin = bins[position > 0 ? std::min(static_cast<int>(position), kAucBins - 1) : 0];
  ++(label > 0.5f ? bin.positives : bin.negatives);
  AddBinaryWithoutBins(prediction, label);
}

void Evaluation::Cell::AddBinaryWithoutBins(float prediction, float label) {
  const bool positive = label > 0.5f;
  const double p = Probability(prediction);
  log_loss -= std::log(positive ? p : 1 - p);
  correct += (prediction >= 0.5f) == positive;
  predictions += prediction;
  positives += positive;
  ++rows;
}

void Evaluation::Cell::AddMultiClass(absl::Span<const float> prediction, float label) {
  // Validation let only classes in; a bug there must not read beyond the prediction.
  if (!(label >= 0 && label < prediction.size())) return;
  const auto label_class = static_cast<size_t>(label);
  const auto likeliest = std::max_element(prediction.begin(), prediction.end()) - prediction.begin();
  log_loss -= std::log(std::max(double{prediction[label_class]}, kMinProbability));
  correct += static_cast<size_t>(likeliest) == label_class;
  ++rows;
}

void Evaluation::Cell::AddRegression(absl::Span<const float> prediction, absl::Span<const float> label,
                                     double quantile) {
  if (outputs.empty()) outputs.resize(prediction.size());
  ++rows;
  const double share = 1 / rows;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Errors& sums = outputs[i];
    const double error = double{prediction[i]} - label[i];
    sums.squared += error * error;
    sums.absolute += std::abs(error);
    if (quantile > 0) {
      sums.pinball += error > 0 ? (1 - quantile) * error : -quantile * error;
      sums.covered += label[i] <= prediction[i];
    }
    const double from_mean = label[i] - sums.label_mean;
    sums.label_mean += from_mean * share;
    sums.label_m2 += from_mean * (label[i] - sums.label_mean);
  }
}

void Evaluation::Cell::Merge(const Cell& other) {
  if (other.rows == 0) return;
  if (rows == 0) {
    *this = other;
    return;
  }
  for (size_t i = 0; i < bins.size(); ++i) {
    bins[i].negatives += other.bins[i].negatives;
    bins[i].positives += other.bins[i].positives;
  }
  const double share = other.rows / (rows + other.rows);
  for (size_t i = 0; i < outputs.size(); ++i) {
    Errors& sums = outputs[i];
    const Errors& more = other.outputs[i];
    const double apart = more.label_mean - sums.label_mean;
    sums.label_m2 += more.label_m2 + apart * apart * share * rows;
    sums.label_mean += apart * share;
    sums.squared += more.squared;
    sums.absolute += more.absolute;
    sums.pinball += more.pinball;
    sums.covered += more.covered;
  }
  correct += other.correct;
  log_loss += other.log_loss;
  predictions += other.predictions;
  positives += other.positives;
  rows += other.rows;
}

void Evaluation::Cell::Fade(double share) {
  for (double* sum : {&rows, &correct, &log_loss, &predictions, &positives}) *sum *= share;
  for (Errors& sums : outputs) {
    for (double* sum : {&sums.squared, &sums.absolute, &sums.pinball, &sums.covered, &sums.label_m2}) *sum *= share;
  }
}

void Evaluation::Cell::Clear() {
  rows = 0;
  correct = 0;
  log_loss = 0;
  predictions = 0;
  positives = 0;
  std::fill(bins.begin(), bins.end(), Bin());
  std::fill(outputs.begin(), outputs.end(), Errors());
}

}  // namespace polyscene
