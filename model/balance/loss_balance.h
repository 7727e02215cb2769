// How the tasks' losses are weighed against each other: LossBalance in model.proto.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// One of the numbers a balance remembers of each task: [tasks], with what they are where nothing was learned yet.
struct TaskNumbers {
  std::string name;  // Equal names mean equal things.
  std::vector<double>* values;
};

// Deterministic: what comes out is a function of the state and the updates alone.
//
// Threads: one, the trainer.
class LossBalance {
 public:
  virtual ~LossBalance() = default;

  // What each task's loss is multiplied with in the next step, beside the weight the model file gives it: [tasks],
  // above 0.
  virtual std::vector<double> Weights() const = 0;

  // Whether Update() of this step takes gradients' norms.
  virtual bool TakesNorms(uint64_t /*step*/) const { return false; }

  // Takes over a step that was learned. step: its number, from 1. losses: [tasks] mean losses before any weight; NaN
  // where no row had the label. A loss of 0 or below (rows are taken back, see corrections) tells nothing and is left
  // out. norms: of each loss's own gradient on the shared weights, NaN as above; empty unless TakesNorms(step).
  virtual void Update(uint64_t step, absl::Span<const double> losses, absl::Span<const double> norms) = 0;

  // All it remembers, to be saved, and to be restored by writing into it. The pointers are into this object.
  virtual std::vector<TaskNumbers> State() = 0;
};

// The one the model file asks for.
std::unique_ptr<LossBalance> CreateLossBalance(const ModelSpec& spec);

}  // namespace polyscene
