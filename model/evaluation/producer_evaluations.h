// The evaluations that producers opened.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/evaluation/evaluation.h"
#include "model/evaluation/exact_evaluation.h"

namespace polyscene {

// Not thread-safe. Part of the checkpoint.
class ProducerEvaluations {
 public:
  using FiguresByProducer = std::vector<std::pair<std::string, std::vector<EvaluationFigure>>>;

  struct Opened {
    int64_t from_micros = 0;  // Rows with an event time from then on count; 0 or less: every row.
    uint64_t number = 0;      // Grows with each opening.
    Evaluation learned;       // Of the step's own scores.
    ExactEvaluation served;   // Of what callers got at Predict, where rows were remembered.
  };

  explicit ProducerEvaluations(EvaluationLayout layout) : layout_(std::move(layout)) {}

  // Opening it again with the same time continues it, with another time starts it anew. The 64 opened last are kept.
  void Open(absl::string_view producer, int64_t from_micros);
  void Clear() { opened_.clear(); }

  Opened* Find(absl::string_view producer);  // Null where it opened none.

  FiguresByProducer LearnedFigures() const;
  FiguresByProducer ServedFigures() const;  // Without producers that have none.

  // A section of a checkpoint: "evaluation/<producer>" or "served/<producer>". Equal states have equal ones.
  struct Section {
    std::string name;
    std::function<std::string()> bytes;  // May be called later, by any thread: it holds a copy.
  };
  std::vector<Section> Freeze() const;

  static bool IsSection(absl::string_view name);  // Whether it is one of Freeze()'s.

  // Takes one of Freeze()'s sections back; a producer's "evaluation/" before its "served/". with_sums false: what was
  // opened is open again, with nothing counted yet, whatever layout the section is of. kDataLoss names the section.
  absl::Status Restore(absl::string_view name, absl::string_view bytes, bool with_sums = true);

 private:
  EvaluationLayout layout_;
  std::map<std::string, Opened, std::less<>> opened_;  // By producer.
};

}  // namespace polyscene
