// Evaluation in which older rows count less and less. No LibTorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/evaluation/evaluation.h"

namespace polyscene {

// Prequential figures with fading factors (Gama, Sebastiao and Rodrigues, "On evaluating stream learning algorithms",
// Machine Learning 90, 2013): with each row of a cell, what came before in it counts 2^(-1 / half_life_rows) of what it
// did, and figures divide by what the rows count together, so that the first rows make no figure too small. Beside a
// window, such figures move with every row, and no row leaves with a jump. Not thread-safe. Copyable.
class FadingEvaluation {
 public:
  FadingEvaluation(EvaluationLayout layout, int64_t half_life_rows);

  // As Evaluation::Add(). A row with a prediction that is not finite is passed over: it would never fade away.
  void Add(int scene, int task, absl::Span<const float> prediction, absl::Span<const float> label);
  void Clear();
  // A task's figures mean something else from now on.
  void Forget(int task);

  // As Evaluation's, but for auc and calibration_error: those compare rows with each other. `rows` is what the rows
  // count together, at most 1.44 half-lives a scene. "*" is of the scenes as they are here: a busy one pushes no other
  // out.
  std::vector<EvaluationFigure> Figures() const;

  // Empty while no row was added.
  std::string Serialize() const;
  // What Serialize() wrote, for any layout: a scene's task of the same name and kind goes on, the rest is dropped.
  //   kDataLoss  not what it wrote; nothing changed
  absl::Status Restore(absl::string_view bytes);

 private:
  std::optional<size_t> FindCell(absl::string_view scene, absl::string_view shape) const;

  EvaluationLayout layout_;
  double share_;     // That a row counts after the next one.
  Evaluation sums_;  // Its cells have no bins.
};

}  // namespace polyscene
