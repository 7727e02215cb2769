// How long after a request its labels may come. Private to this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "model/spec/model_spec.h"

namespace polyscene {

struct SceneWindows {
  struct Assumed {
    int task = 0;
    int64_t after_micros = 0;
  };

  std::vector<int64_t> window_micros;  // [tasks of the model file]; of another scene's task: 0.
  int64_t longest_micros = 0;          // A request goes once this one is closed.
  std::vector<Assumed> assumed;        // Tasks whose exposed rows become negatives.
};

// [scenes]
std::vector<SceneWindows> WindowsOf(const ModelSpec& spec);

}  // namespace polyscene
