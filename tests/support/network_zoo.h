// Networks of every kind, and a model to put them in.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"

namespace polyscene {

// One of every kind of input on both sides; a scene without candidates; every kind of task, a product and a calibrated
// one among them.
inline std::string ZooModel(const std::string& network, const std::string& serving = "") {
  return absl::StrCat(R"(
    name: "zoo"
    features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    features { name: "hour" side: CONTEXT type: FLOAT encode { numeric { scaling: STANDARD } } }
    features { name: "seen" side: CONTEXT type: INT64 sequence { max_length: 5 pooling: MEAN }
               encode { hash { embedding { dimension: 4 } } } }
    features { name: "item" side: CANDIDATE type: INT64 encode { hash { embedding { dimension: 4 } } }
               encode { crossed { with: "user" embedding { dimension: 4 } } } }
    features { name: "price" side: CANDIDATE type: FLOAT encode { numeric { scaling: MIN_MAX } } }
    features { name: "color" side: CANDIDATE type: STRING encode { one_hot { values: ["red", "blue"] } } }
    features { name: "tags" side: CANDIDATE type: INT64 sequence { max_length: 3 pooling: SUM }
               encode { hash { embedding { dimension: 4 } } } }
    scenes { name: "shop" tasks: ["click", "buy", "kind", "spend", "both"] rank_by { factors { task: "click" } } }
    scenes { name: "search" tasks: ["click", "buy", "spend"] }
    scenes { name: "home" features: ["user", "hour", "seen"] tasks: ["kind", "visits"] }
    tasks { name: "click" binary {} calibration { platt { half_life_rows: 50 } } }
    tasks { name: "buy" binary {} }
    tasks { name: "both" product { tasks: ["click", "buy"] } }
    tasks { name: "kind" multi_class { classes: 3 } }
    tasks { name: "spend" regression { transform { log1p: true } } }
    tasks { name: "visits" forecast { horizon: 6 } }
    dense_optimizer { adam { learning_rate: 0.05 } }
    network { )",
                      network, " } serving { ", serving, " }");
}

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

}  // namespace polyscene
