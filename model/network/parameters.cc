#include "model/network/parameters.h"

#include <torch/torch.h>

#include "model/embedding/initial_row.h"

namespace polyscene {
namespace {

// FNV-1a: the same on every machine.
uint64_t HashName(const std::string& name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char c : name) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

}  // namespace

int ParameterLayout::Add(std::string name, std::vector<int64_t> sizes, double initial_bound,
                         std::vector<ParameterAxis> axes) {
  axes.resize(sizes.size(), ParameterAxis::kPlain);
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  specs_.push_back({std::move(name), std::move(sizes), std::move(axes), initial_bound, count_, count});
  count_ += count;
  return static_cast<int>(specs_.size()) - 1;
}

torch::Tensor ParameterLayout::InitialValues(uint64_t seed) const {
  torch::Tensor flat = torch::zeros({count_}, torch::kFloat32);
  float* values = flat.data_ptr<float>();
  for (const ParameterSpec& spec : specs_) {
    if (spec.initial_bound == 0) continue;
    InitialRow(seed, HashName(spec.name), 0, static_cast<float>(spec.initial_bound),
               absl::MakeSpan(values + spec.offset, spec.count));
  }
  return flat;
}

Parameters ViewParameters(const ParameterLayout& layout, const torch::Tensor& flat) {
  Parameters parameters;
  for (const ParameterSpec& spec : layout.specs()) {
    parameters.values.push_back(flat.narrow(0, spec.offset, spec.count).view(spec.sizes));
  }
  return parameters;
}

TrainedParameters::TrainedParameters(const ParameterLayout& layout, const torch::Tensor& initial)
    : flat(initial.clone()), flat_gradient(torch::zeros_like(flat)), leaves(ViewParameters(layout, flat)) {
  const Parameters gradients = ViewParameters(layout, flat_gradient);
  for (size_t i = 0; i < leaves.values.size(); ++i) {
    leaves.values[i] = leaves.values[i].detach().requires_grad_(true);
    // Autograd adds into a gradient that is already there.
    leaves.values[i].mutable_grad() = gradients[static_cast<int>(i)];
  }
}

}  // namespace polyscene
