#include "model/device/device_plan.h"

#include <torch/torch.h>

#include <algorithm>

#include "model/embedding/embedding_tables.h"

namespace polyscene {

DevicePlan::DevicePlan(std::shared_ptr<const ModelSpec> spec, torch::Device device, std::vector<int64_t> buckets)
    : spec_(std::move(spec)),
      device_(device),
      arithmetic_(spec_->file().serving().arithmetic() == v1::Serving::BFLOAT16 ? torch::kBFloat16 : torch::kFloat32),
      buckets_(std::move(buckets)),
      network_(CreateNetwork(*spec_, EmbeddingWidth(*spec_) + spec_->dense_width())) {
  for (const SceneSpec& scene : spec_->scenes()) {
    int64_t& outputs = outputs_.emplace_back(0);
    std::vector<WantedTask>& wanted = wanted_.emplace_back();
    for (const int task : scene.tasks) {
      wanted.emplace_back().task = task;
      outputs += spec_->tasks()[task].outputs;
    }
  }
}

int64_t DevicePlan::most_outputs() const { return *std::max_element(outputs_.begin(), outputs_.end()); }

void DevicePlan::Forward(const Parameters& parameters, int scene, const torch::Tensor& inputs,
                         torch::Tensor logits) const {
  const std::vector<int32_t> scenes(inputs.size(0), scene);
  torch::cat_out(logits, network_->Forward(parameters, inputs, scenes, wanted_[scene]), 1);
}

}  // namespace polyscene
