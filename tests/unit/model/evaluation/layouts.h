// A small layout that the tests of this folder share.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "model/evaluation/evaluation.h"

namespace polyscene {

inline constexpr int kSearch = 0;
inline constexpr int kFeed = 1;
inline constexpr int kClick = 0;
inline constexpr int kCategory = 1;
inline constexpr int kSpend = 2;
inline constexpr int kDemand = 3;

// Two scenes; the feed has no category.
inline EvaluationLayout ShopLayout() {
  EvaluationLayout layout;
  layout.scenes = {"search", "feed"};
  layout.tasks = {{"click", EvaluatedKind::kBinary, 1, 1},
                  {"category", EvaluatedKind::kMultiClass, 3, 1},
                  {"spend", EvaluatedKind::kRegression, 1, 1},
                  {"demand", EvaluatedKind::kForecast, 2, 2}};
  layout.scene_tasks = {{kClick, kCategory, kSpend, kDemand}, {kClick, kSpend, kDemand}};
  return layout;
}

// The figure with these names; null if there is none.
inline const EvaluationFigure* Find(const std::vector<EvaluationFigure>& figures, absl::string_view scene,
                                    absl::string_view task, absl::string_view metric) {
  for (const EvaluationFigure& figure : figures) {
    if (figure.scene == scene && figure.task == task && figure.metric == metric) return &figure;
  }
  return nullptr;
}

}  // namespace polyscene
