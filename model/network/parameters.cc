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

int ParameterLayout::Append(ParameterSpec spec) {
  spec.axes.resize(spec.sizes.size(), ParameterAxis::kPlain);
  spec.count = 1;
  for (const int64_t size : spec.sizes) spec.count *= size;
  spec.offset = count_;
  count_ += spec.count;
  specs_.push_back(std::move(spec));
  return static_cast<int>(specs_.size()) - 1;
}

int ParameterLayout::Add(std::string name, std::vector<int64_t> sizes, double initial_bound,
                         std::vector<ParameterAxis> axes) {
  ParameterSpec spec;
  spec.name = std::move(name);
  spec.sizes = std::move(sizes);
  spec.axes = std::move(axes);
  spec.initial_bound = initial_bound;
  return Append(std::move(spec));
}

int ParameterLayout::AddBias(std::string name, std::vector<int64_t> sizes, double initial_bound,
                             std::vector<ParameterAxis> axes) {
  const int index = Add(std::move(name), std::move(sizes), initial_bound, std::move(axes));
  specs_[index].bias = true;
  return index;
}

int ParameterLayout::AddLike(std::string name, const ParameterSpec& like, double value) {
  ParameterSpec spec = like;
  spec.name = std::move(name);
  spec.initial_value = value;
  spec.initial_bound = 0;
  return Append(std::move(spec));
}

torch::Tensor ParameterLayout::InitialValues(uint64_t seed) const {
  torch::Tensor flat = torch::zeros({count_}, torch::kFloat32);
  float* values = flat.data_ptr<float>();
  for (const ParameterSpec& spec : specs_) {
    const absl::Span<float> own(values + spec.offset, spec.count);
    if (spec.initial_bound != 0) {
      InitialRow(seed, HashName(spec.name), 0, static_cast<float>(spec.initial_bound), own);
    }
    if (spec.initial_value != 0) {
      for (float& value : own) value += static_cast<float>(spec.initial_value);
    }
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
  const auto leaf = [](const torch::Tensor& values, const torch::Tensor& gradient) {
    torch::Tensor made = values.detach().requires_grad_(true);
    made.mutable_grad() = gradient;  // Autograd adds into a gradient that is already there.
    return made;
  };
  leaves.slices.resize(layout.specs().size());
  for (size_t i = 0; i < leaves.values.size(); ++i) {
    const torch::Tensor gradient = gradients.values[i];
    const ParameterSpec& spec = layout.specs()[i];
    if (spec.axes[0] == ParameterAxis::kTasks && spec.sizes.size() > 1) {
      for (int64_t place = 0; place < spec.sizes[0]; ++place) {
        leaves.slices[i].push_back(leaf(leaves.values[i].select(0, place), gradient.select(0, place)));
      }
    }
    leaves.values[i] = leaf(leaves.values[i], gradient);
  }
}

}  // namespace polyscene
