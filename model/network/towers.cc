#include "model/network/towers.h"

#include "model/network/scene_towers.h"
#include "model/network/task_towers.h"

namespace polyscene {

std::unique_ptr<Towers> CreateTowers(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs) {
  if (spec.file().network().scene_towers()) return std::make_unique<SceneTowers>(layout, spec, inputs);
  return std::make_unique<TaskTowers>(layout, spec, inputs);
}

}  // namespace polyscene
