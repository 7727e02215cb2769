// Rows whose labels are planted: how much the tasks have in common, and the scenes, is set by two numbers.
//
// Each pair of scene and task has a direction in the inputs; its label is a curve over the input along it and noise, as
// in Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts", KDD 2018,
// section 3.2.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "model/data/columns.h"

namespace polyscene {

struct PlantedOptions {
  uint64_t seed = 1;
  int inputs = 12;
  int tasks = 2;   // y0, y1, ...: regressions.
  int scenes = 1;  // s0, s1, ...: each with every task.
  // Cosine between the first task's direction and each other's, in one scene; the others' own parts are orthogonal.
  double task_correlation = 1;
  // Cosine between a task's direction in a scene and what it has in common with its others.
  double scene_correlation = 1;
  double noise = 0.1;  // Standard deviation: its square is the least squared error there is.
};

class PlantedTasks {
 public:
  explicit PlantedTasks(const PlantedOptions& options);

  // A model file over these features, scenes and tasks. rest: its network and whatever else.
  std::string ModelText(const std::string& rest) const;

  struct Rows {
    std::string scene;
    Table features;
    std::vector<std::string> tasks;
    std::vector<std::vector<float>> labels;  // [tasks][rows]
  };
  // The next rows, of a scene.
  Rows Draw(int scene, int64_t rows);

 private:
  float Label(int scene, int task, const std::vector<double>& inputs);

  const PlantedOptions options_;
  std::mt19937_64 random_;
  std::vector<std::vector<std::vector<double>>> directions_;  // [scenes][tasks], of length 1.
};

}  // namespace polyscene
