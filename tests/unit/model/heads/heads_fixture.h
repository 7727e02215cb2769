// Rows of a shop where clicks come before purchases, and models whose tasks a test chooses.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {

// Two features; scene shop with the tasks of `names` ("\"click\", \"spend\""). rest: tasks, network, whatever else.
inline std::string HeadsModel(const std::string& names, const std::string& rest) {
  return absl::StrCat(R"(
    name: "heads"
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    features { name: "x" side: CONTEXT type: FLOAT required: true encode { numeric { scaling: NONE } } }
    scenes { name: "shop" tasks: [)",
                      names, "] }\n", rest);
}

// The inputs of 32 rows, which differ from step to step; their labels are the test's.
inline OwnedExamples HeadsRows(int step) {
  OwnedExamples rows;
  rows.features.rows = 32;
  std::vector<int64_t> items;
  std::vector<float> xs;
  for (int r = 0; r < 32; ++r) {
    items.push_back((r * 7 + step * 11) % 23);
    xs.push_back(static_cast<float>((r * 5 + step) % 17) / 17);
  }
  rows.features.Add("item", ValueType::kInt64).ints = std::move(items);
  rows.features.Add("x", ValueType::kFloat).floats = std::move(xs);
  return rows;
}

// A label a row: fn(item, x).
template <typename Fn>
void AddLabel(OwnedExamples& rows, const std::string& task, Fn&& fn) {
  OwnedExamples::TaskLabels& labels = rows.labels.emplace_back();
  labels.task = task;
  for (size_t r = 0; r < static_cast<size_t>(rows.features.rows); ++r) {
    labels.values.push_back(
        static_cast<float>(fn(rows.features.columns[0].ints[r], rows.features.columns[1].floats[r])));
  }
}

inline std::shared_ptr<const Snapshot> SnapshotOf(Learner& learner) {
  auto snapshot = learner.MakeSnapshot(1, 0);
  if (!snapshot.ok()) ADD_FAILURE() << snapshot.status();
  return *std::move(snapshot);
}

}  // namespace polyscene
