// Every scene's and task's calibration, as a learner has it and a snapshot keeps it. No LibTorch.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/loss/platt_scaling.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Copyable; not thread-safe.
class Calibrations {
 public:
  explicit Calibrations(const ModelSpec& spec);

  bool empty() const { return cells_.empty(); }  // No task of the model file asks for any.

  // Of a task that asks for it (TaskSpec::platt_half_life) and its scene; both are indexes.
  const PlattScaling& At(int scene, int task) const { return cells_[scene * tasks_ + task]; }
  PlattScaling& At(int scene, int task) { return cells_[scene * tasks_ + task]; }

  // Bit-exact, little-endian: of each scene's calibrated tasks the numbers that PlattScaling remembers.
  std::string Serialize(const ModelSpec& spec) const;

  // Takes over what `from`'s learner serialized, into the places that its scenes and tasks have in `spec` by name; what
  // is new stays as it is. kDataLoss: it is not of `from`.
  absl::Status Restore(absl::string_view bytes, const ModelSpec& from, const ModelSpec& spec);

 private:
  size_t tasks_ = 0;
  std::vector<PlattScaling> cells_;  // [scenes, tasks]; empty where nothing is calibrated.
};

// The scenes and tasks of `spec` that are calibrated, in order.
std::vector<std::pair<int, int>> CalibratedPairs(const ModelSpec& spec);

}  // namespace polyscene
