#include "server/joiner/scene_windows.h"

#include <algorithm>
#include <cmath>

namespace polyscene {
namespace {

int64_t Micros(double seconds) { return static_cast<int64_t>(std::llround(seconds * 1e6)); }

}  // namespace

std::vector<SceneWindows> WindowsOf(const ModelSpec& spec) {
  std::vector<SceneWindows> all;
  for (const SceneSpec& scene : spec.scenes()) {
    SceneWindows& windows = all.emplace_back();
    windows.window_micros.resize(spec.tasks().size());
    for (const int index : scene.tasks) {
      const TaskSpec& task = spec.tasks()[index];
      windows.window_micros[index] = Micros(task.window_seconds);
      windows.longest_micros = std::max(windows.longest_micros, windows.window_micros[index]);
      if (task.assume_negative_seconds > 0) windows.assumed.push_back({index, Micros(task.assume_negative_seconds)});
    }
  }
  return all;
}

}  // namespace polyscene
