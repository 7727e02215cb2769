#include "model/balance/gradient_averages.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

// The newest measurement's share once there are ten; before, the mean of all.
constexpr double kShare = 0.1;

void Average(double measured, double& average, double& count) {
  if (!std::isfinite(measured)) return;
  count += 1;
  average = count == 1 ? measured : average + std::max(kShare, 1 / count) * (measured - average);
}

}  // namespace

GradientAverages::GradientAverages(int count) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  figures_.norms.assign(count, none);
  figures_.cosines.assign(static_cast<size_t>(count) * count, none);
  norm_counts_.assign(figures_.norms.size(), 0);
  cosine_counts_.assign(figures_.cosines.size(), 0);
}

void GradientAverages::Add(absl::Span<const int> which, const GradientProducts& products) {
  const size_t count = figures_.norms.size();
  for (int i = 0; i < products.count(); ++i) {
    Average(products.Norm(i), figures_.norms[which[i]], norm_counts_[which[i]]);
    for (int j = 0; j < products.count(); ++j) {
      const size_t place = which[i] * count + which[j];
      Average(products.Cosine(i, j), figures_.cosines[place], cosine_counts_[place]);
    }
  }
}

bool GradientAverages::empty() const {
  return std::all_of(norm_counts_.begin(), norm_counts_.end(), [](double count) { return count == 0; });
}

std::string GradientAverages::Serialize() const {
  std::string bytes;
  for (const std::vector<double>* values : {&figures_.norms, &figures_.cosines, &norm_counts_, &cosine_counts_}) {
    bytes.append(reinterpret_cast<const char*>(values->data()), values->size() * sizeof(double));
  }
  return bytes;
}

absl::Status GradientAverages::Restore(absl::string_view bytes, absl::Span<const int> places) {
  GradientAverages from(static_cast<int>(places.size()));
  const size_t expected = from.Serialize().size();
  if (bytes.size() != expected) {
    return absl::DataLossError(
        absl::StrCat("checkpoint: gradient averages have ", bytes.size(), " bytes, expected ", expected));
  }
  const char* next = bytes.data();
  for (std::vector<double>* values :
       {&from.figures_.norms, &from.figures_.cosines, &from.norm_counts_, &from.cosine_counts_}) {
    std::memcpy(values->data(), next, values->size() * sizeof(double));
    next += values->size() * sizeof(double);
  }
  const size_t count = figures_.norms.size();
  for (size_t i = 0; i < places.size(); ++i) {
    if (places[i] < 0) continue;
    figures_.norms[places[i]] = from.figures_.norms[i];
    norm_counts_[places[i]] = from.norm_counts_[i];
    for (size_t j = 0; j < places.size(); ++j) {
      if (places[j] < 0) continue;
      figures_.cosines[places[i] * count + places[j]] = from.figures_.cosines[i * places.size() + j];
      cosine_counts_[places[i] * count + places[j]] = from.cosine_counts_[i * places.size() + j];
    }
  }
  return absl::OkStatus();
}

}  // namespace polyscene
