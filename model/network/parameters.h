// The dense weights: named matrices laid out in one flat tensor, so that an optimizer step, a snapshot and a checkpoint
// each handle one piece of memory.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace polyscene {

// What the places along a matrix's axis stand for, so that weights find their place again in a network of other inputs,
// scenes or tasks. A task may have several places side by side.
enum class ParameterAxis { kPlain, kInputs, kScenes, kTasks };

struct ParameterSpec {
  std::string name;
  std::vector<int64_t> sizes;
  std::vector<ParameterAxis> axes;  // [sizes]
  double initial_bound = 0;         // Starts uniform in +-bound; 0 starts at zero.
  int64_t offset = 0;               // Into the flat tensor.
  int64_t count = 0;
};

// What a network needs, in the order it declares it. Immutable once the network is built.
class ParameterLayout {
 public:
  // Declares a matrix and returns its index. axes: plain where none are given.
  int Add(std::string name, std::vector<int64_t> sizes, double initial_bound, std::vector<ParameterAxis> axes = {});

  const std::vector<ParameterSpec>& specs() const { return specs_; }
  int64_t count() const { return count_; }  // Floats in all.

  // Initial values, a function of the seed and each matrix's name alone: [count] on the CPU.
  torch::Tensor InitialValues(uint64_t seed) const;

 private:
  std::vector<ParameterSpec> specs_;
  int64_t count_ = 0;
};

// Views into a flat tensor, one a declared matrix; they share its memory.
struct Parameters {
  std::vector<torch::Tensor> values;
  const torch::Tensor& operator[](int index) const { return values[index]; }
};
Parameters ViewParameters(const ParameterLayout& layout, const torch::Tensor& flat);

// Weights to train: leaves whose gradients add up in one flat tensor.
struct TrainedParameters {
  torch::Tensor flat;           // [count]
  torch::Tensor flat_gradient;  // [count]; zero it before each backward pass.
  Parameters leaves;

  TrainedParameters(const ParameterLayout& layout, const torch::Tensor& initial);
};

}  // namespace polyscene
