// One model in many networks, with rows and requests of it: what every forward is tested on.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "model/learning/learner.h"
#include "model/serving/predictor.h"

namespace polyscene {

// The `network` field's contents, of every kind of network, scene adaptation, interaction and skip.
inline constexpr const char* kZooNetworks[] = {
    "shared_bottom { hidden: [8, 6] } tower: [5]",
    "shared_bottom { hidden: [8] }",
    "shared_bottom { hidden: [8, 8] } tower: [5, 5] skip: RESIDUAL",
    "shared_bottom { hidden: [8, 6] } tower: [5, 4] skip: DENSE scene_towers: true",
    "mmoe { experts: 3 hidden: [8, 6] } tower: [5]",
    "mmoe { experts: 5 hidden: [8] } tower: [5] scene_adaptation: SCENE_EMBEDDING",
    "mmoe { experts: 2 hidden: [8, 6] } tower: [5] scene_adaptation: STAR",
    "mmoe { experts: 3 hidden: [8, 6] } tower: [5, 4] scene_adaptation: GATE",
    "mmoe { experts: 3 hidden: [8, 6] } tower: [5] skip: DENSE",
    "ple { layers: 1 shared_experts: 2 task_experts: 1 hidden: [8, 6] } tower: [5]",
    "ple { layers: 2 shared_experts: 1 task_experts: 2 hidden: [8] } tower: [5]",
    "ple { layers: 2 shared_experts: 2 task_experts: 1 hidden: [8] } tower: [5] scene_adaptation: STAR",
    "ple { layers: 2 shared_experts: 1 task_experts: 1 hidden: [6] } tower: [5] scene_adaptation: GATE skip: RESIDUAL",
    "ple { layers: 1 shared_experts: 1 task_experts: 1 hidden: [6] } tower: [5] scene_adaptation: SCENE_EMBEDDING",
    "single { hidden: [8, 6] } tower: [5]",
    "single { hidden: [8] } interaction { cross { layers: 2 } }",
    "mmoe { experts: 2 hidden: [8] } tower: [5] interaction { cross { layers: 2 rank: 3 } }",
    "mmoe { experts: 2 hidden: [8] } tower: [5] interaction { factorization_machine {} }",
    "shared_bottom { hidden: [8] } interaction { factorization_machine {} } scene_adaptation: SCENE_EMBEDDING",
    "shared_bottom { hidden: [8] } interaction { cross { layers: 1 } } scene_adaptation: GATE scene_towers: true",
};

// One of every kind of input on both sides; a scene without candidates; every kind of task, a product and a calibrated
// one among them.
std::string ZooText(const std::string& network, const std::string& serving);
std::shared_ptr<const ModelSpec> ParseZoo(const std::string& text);

// A request and the tables that it borrows.
struct ZooRequest {
  int scene = 0;
  Table context;
  Table candidates;
  TableView context_view;
  TableView candidates_view;
  std::vector<int> tasks;

  ScoreRequest View();
};

// Rows drawn evenly; some values are missing, and some ids were never learned.
class ZooRows {
 public:
  explicit ZooRows(uint32_t seed) : random_(seed) {}
  int64_t Below(int64_t end) { return static_cast<int64_t>(random_() % end); }

  void AddContext(int64_t rows, Table& table);
  void AddCandidates(int64_t rows, Table& table);

  // Of a scene and some of its tasks that are drawn as well.
  ZooRequest Request(const ModelSpec& spec, int64_t rows);

 private:
  void Ints(const char* name, int64_t end, int64_t rows, Table& table);
  void Sequence(const char* name, int64_t most, int64_t rows, Table& table);

  std::mt19937 random_;
};

// Learns so many steps of rows of every scene.
void LearnZoo(Learner& learner, const ModelSpec& spec, uint32_t seed, int steps);

// Fails where a score differs by more than the tolerance, times its size where that is above 1.
void ExpectScoresNear(const std::vector<ScoreResult>& got, const std::vector<ScoreResult>& expected, float tolerance);

}  // namespace polyscene
