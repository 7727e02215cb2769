// The layers before the towers: what tasks share, and what each has of its own there.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "model/network/parameters.h"
#include "model/network/wanted.h"
#include "model/network/weights.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Stateless, any thread. Each kind of network in the model file but `single` is one.
class Trunk {
 public:
  virtual ~Trunk() = default;

  virtual int64_t outputs() const = 0;

  // What every task's tower reads, for every row: [rows, inputs] -> [tasks, rows, outputs()], batched.
  virtual torch::Tensor ForwardAll(const Weights& weights, const torch::Tensor& inputs) const = 0;

  // The same for the wanted tasks and rows alone, [n, outputs()] each; what no wanted task reads is not computed.
  virtual std::vector<torch::Tensor> ForwardWanted(const Weights& weights, const torch::Tensor& inputs,
                                                   absl::Span<const WantedTask> wanted) const = 0;
};

// The one that the model file asks for, declared in `layout`. inputs: their number, a row.
std::unique_ptr<Trunk> CreateTrunk(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

}  // namespace polyscene
