// What serving on a device is laid out for, whatever the snapshot.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "model/network/network.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Immutable, any thread.
class DevicePlan {
 public:
  // buckets: numbers of rows that are computed with, ascending; batches are filled up to the next one, and taken apart
  // where they have more than the largest.
  DevicePlan(std::shared_ptr<const ModelSpec> spec, torch::Device device, std::vector<int64_t> buckets);

  const ModelSpec& spec() const { return *spec_; }
  const Network& network() const { return *network_; }
  torch::Device device() const { return device_; }
  torch::ScalarType arithmetic() const { return arithmetic_; }  // Of inputs, weights and everything up to the logits.
  const std::vector<int64_t>& buckets() const { return buckets_; }
  int64_t most_rows() const { return buckets_.back(); }

  int64_t outputs(int scene) const { return outputs_[scene]; }  // Logits a row of the scene has: of all its tasks, in
  int64_t most_outputs() const;                                 // SceneSpec::tasks' order.

  // Into `logits` [rows, outputs(scene)], float32, of `inputs` [rows, inputs a row], all of one scene. Asks the device
  // for operations on these alone: nothing is copied between host and device, and nothing waited for.
  void Forward(const Parameters& parameters, int scene, const torch::Tensor& inputs, torch::Tensor logits) const;

 private:
  const std::shared_ptr<const ModelSpec> spec_;
  const torch::Device device_;
  const torch::ScalarType arithmetic_;
  const std::vector<int64_t> buckets_;
  const std::unique_ptr<const Network> network_;
  std::vector<int64_t> outputs_;                 // [scenes]
  std::vector<std::vector<WantedTask>> wanted_;  // [scenes]
};

}  // namespace polyscene
