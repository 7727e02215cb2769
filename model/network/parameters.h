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
  bool bias = false;                // Added to a product; else what is multiplied with.
  double initial_value = 0;         // Starts uniform in initial_value +- initial_bound.
  double initial_bound = 0;
  int64_t offset = 0;  // Into the flat tensor.
  int64_t count = 0;
};

// What a network needs, in the order it declares it. Immutable once the network is built.
class ParameterLayout {
 public:
  // Each declares a matrix and returns its index. axes: plain where none are given.
  int Add(std::string name, std::vector<int64_t> sizes, double initial_bound, std::vector<ParameterAxis> axes = {});
  int AddBias(std::string name, std::vector<int64_t> sizes, double initial_bound, std::vector<ParameterAxis> axes = {});
  // Of the sizes and axes of `like`, and as it a weight or a bias; every place starts at `value`.
  int AddLike(std::string name, const ParameterSpec& like, double value);

  const std::vector<ParameterSpec>& specs() const { return specs_; }
  int64_t count() const { return count_; }  // Floats in all.

  // Initial values, a function of the seed and each matrix's name alone: [count] on the CPU.
  torch::Tensor InitialValues(uint64_t seed) const;

 private:
  int Append(ParameterSpec spec);

  std::vector<ParameterSpec> specs_;
  int64_t count_ = 0;
};

// Views into a flat tensor, one a declared matrix; they share its memory.
struct Parameters {
  std::vector<torch::Tensor> values;
  // Weights that are trained: of a matrix with its tasks along the first axis each of that axis's places once more, as
  // a leaf of its own, so that the backward pass of one task never touches the others' gradients. Else empty.
  std::vector<std::vector<torch::Tensor>> slices;

  const torch::Tensor& operator[](int index) const { return values[index]; }
  // Place i along the first axis.
  torch::Tensor Slice(int index, int64_t i) const {
    return slices.empty() || slices[index].empty() ? values[index].select(0, i) : slices[index][i];
  }
};
Parameters ViewParameters(const ParameterLayout& layout, const torch::Tensor& flat);

// Weights to train: leaves whose gradients add up in one flat tensor, those of a slice in its place.
struct TrainedParameters {
  torch::Tensor flat;           // [count]
  torch::Tensor flat_gradient;  // [count]; zero it before each backward pass.
  Parameters leaves;

  TrainedParameters(const ParameterLayout& layout, const torch::Tensor& initial);
};

}  // namespace polyscene
