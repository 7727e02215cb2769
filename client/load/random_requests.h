// Requests made up from what the model file says of its features.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/load/caller.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene::load {

struct PoolOptions {
  std::vector<std::string> scenes;  // Empty: all, each as often.
  std::vector<std::string> tasks;   // Asked for; empty: all of the scene. A scene without any of them is left out.
  int candidates = 100;             // Rows of a request.
  int requests = 256;               // Of the pool.
  uint64_t seed = 1;
};

// The scenes that `options` ask for, with the tasks of each that they ask for, in the model file's order.
//   kInvalidArgument  a scene or a task is not in the model; none of the scenes has one of the tasks
struct PoolScene {
  const v1::Scene* scene = nullptr;
  std::vector<std::string> tasks;  // Empty: all.
};
absl::StatusOr<std::vector<PoolScene>> ScenesOfPool(const v1::ModelFile& model, const PoolOptions& options);

// Each value is drawn from what its feature's first encoding takes: an id below `ids` of a hash (as text, "v17", where
// the feature is a STRING), a listed value of a vocabulary, a number around the boundaries, a number that occurs (with
// log1p: from 0, long-tailed). One optional value in twenty is missing, and a sequence has any length that it may. The
// same options give the same requests.
absl::StatusOr<std::vector<PreparedRequest>> RandomRequests(const v1::ModelFile& model, const PoolOptions& options,
                                                            int64_t ids);

}  // namespace polyscene::load
