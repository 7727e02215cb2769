#include "model/loss/calibrations.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

void AppendDouble(double value, std::string& bytes) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>(bits >> shift));
}

double DoubleAt(absl::string_view bytes, size_t index) {
  uint64_t bits = 0;
  for (size_t i = 0; i < 8; ++i) bits |= uint64_t{static_cast<uint8_t>(bytes[index * 8 + i])} << (8 * i);
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace

std::vector<std::pair<int, int>> CalibratedPairs(const ModelSpec& spec) {
  std::vector<std::pair<int, int>> pairs;
  for (size_t scene = 0; scene < spec.scenes().size(); ++scene) {
    for (const int task : spec.scenes()[scene].tasks) {
      if (spec.tasks()[task].platt_half_life > 0) pairs.emplace_back(static_cast<int>(scene), task);
    }
  }
  return pairs;
}

Calibrations::Calibrations(const ModelSpec& spec) : tasks_(spec.tasks().size()) {
  if (!CalibratedPairs(spec).empty()) cells_.resize(spec.scenes().size() * tasks_);
}

std::string Calibrations::Serialize(const ModelSpec& spec) const {
  std::string bytes;
  for (const auto& [scene, task] : CalibratedPairs(spec)) {
    for (const double value : At(scene, task).state()) AppendDouble(value, bytes);
  }
  return bytes;
}

absl::Status Calibrations::Restore(absl::string_view bytes, const ModelSpec& from, const ModelSpec& spec) {
  const std::vector<std::pair<int, int>> pairs = CalibratedPairs(from);
  constexpr size_t kNumbers = std::tuple_size<PlattScaling::State>::value;
  if (bytes.size() != pairs.size() * kNumbers * sizeof(double)) {
    return absl::DataLossError(absl::StrCat("calibration: ", bytes.size(), " bytes, expected ",
                                            pairs.size() * kNumbers * sizeof(double), ", those of ", pairs.size(),
                                            " scenes and tasks"));
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    const int scene = spec.FindScene(from.scenes()[pairs[i].first].name);
    const int task = spec.FindTask(from.tasks()[pairs[i].second].name);
    if (scene < 0 || task < 0 || !spec.scenes()[scene].has_task[task] || spec.tasks()[task].platt_half_life <= 0) {
      continue;
    }
    PlattScaling::State state;
    for (size_t n = 0; n < kNumbers; ++n) state[n] = DoubleAt(bytes, i * kNumbers + n);
    At(scene, task).Restore(state);
  }
  return absl::OkStatus();
}

}  // namespace polyscene
