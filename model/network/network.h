// The part of the model between its inputs and each task's logits.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "model/network/attention.h"
#include "model/network/parameters.h"
#include "model/network/wanted.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Stateless: weights come with each call, so that training, serving and every older snapshot run the same code. Any
// thread.
class Network {
 public:
  virtual ~Network() = default;

  const ParameterLayout& layout() const { return layout_; }

  // What weighs the values of sequences on their way to the inputs. It borrows this and the parameters.
  AttentionUnits::Bound Attention(const Parameters& parameters) const { return {attention_, parameters}; }

  // inputs: [rows, input_width] on the weights' device; scenes: [rows] indexes. `wanted`'s rows are on the CPU,
  // wherever the inputs are, so that they can be taken apart by scene without waiting for a device. One [n, outputs] of
  // logits a wanted task: binary (a product as well) one logit, multi-class one a class, regression and forecast the
  // transformed values. Only what the wanted tasks need is computed.
  virtual std::vector<torch::Tensor> Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                             absl::Span<const int32_t> scenes,
                                             absl::Span<const WantedTask> wanted) const = 0;

 protected:
  explicit Network(const ModelSpec& spec) : attention_(layout_, spec) {}

  ParameterLayout layout_;

 private:
  const AttentionUnits attention_;
};

// The network the model file asks for. `input_width`: embedding and dense inputs a row.
std::unique_ptr<Network> CreateNetwork(const ModelSpec& spec, int64_t input_width);

// Its towers, whose wanted tasks are numbered among ModelSpec::towers(); and what is made of them where the model has
// tasks that are products.
std::unique_ptr<Network> CreateTowerNetwork(const ModelSpec& spec, int64_t input_width);
std::unique_ptr<Network> WithProducts(const ModelSpec& spec, std::unique_ptr<Network> towers);

}  // namespace polyscene
