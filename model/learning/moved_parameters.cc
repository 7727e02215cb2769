#include "model/learning/moved_parameters.h"

#include <torch/torch.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/embedding/embedding_tables.h"
#include "model/learning/schema_change.h"

namespace polyscene {
namespace {

// The network's inputs in their order: embeddings as EmbeddingTables::Assemble() lays them, then dense ones; what a
// scene adds comes behind.
std::vector<std::string> InputNames(const ModelSpec& spec) {
  std::vector<std::string> names;
  std::map<std::string, int> met;
  const auto add_slot = [&](int s) {
    const SlotSpec& slot = spec.slots()[s];
    std::string name = absl::StrCat(spec.features()[slot.feature].name, "@", spec.tables()[slot.table].name);
    if (const int before = met[name]++; before > 0) absl::StrAppend(&name, "#", before);
    for (int i = 0; i < slot.dimension; ++i) names.push_back(absl::StrCat(name, "[", i, "]"));
  };
  for (const SlotGroup& group : GroupSlots(spec)) {
    for (const int slot : group.singles) add_slot(slot);
    for (const int slot : group.sequences) add_slot(slot);
  }
  for (std::string& name : DenseInputNames(spec)) {
    if (const int before = met[name]++; before > 0) absl::StrAppend(&name, "#", before);
    names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> NamesAlong(const ModelSpec& spec, const ParameterSpec& parameter, size_t axis) {
  const int64_t size = parameter.sizes[axis];
  std::vector<std::string> names;
  switch (parameter.axes[axis]) {
    case ParameterAxis::kPlain:
      break;
    case ParameterAxis::kInputs:
      names = InputNames(spec);
      break;
    case ParameterAxis::kScenes:
      for (const SceneSpec& scene : spec.scenes()) names.push_back(scene.name);
      break;
    case ParameterAxis::kTasks: {
      const int64_t places = size / static_cast<int64_t>(spec.towers().size());
      for (const int task : spec.towers()) {
        for (int64_t i = 0; i < places; ++i) names.push_back(absl::StrCat(spec.tasks()[task].name, "/", i));
      }
      break;
    }
  }
  // Plain places, and the inputs of the scene behind the others.
  for (int64_t i = 0; static_cast<int64_t>(names.size()) < size; ++i) names.push_back(absl::StrCat("#", i));
  return names;
}

// Where each place of `to` was, -1 where it is new.
std::vector<int64_t> OldPlaces(const std::vector<std::string>& from, const std::vector<std::string>& to) {
  std::map<std::string, int64_t> places;
  for (size_t i = 0; i < from.size(); ++i) places.emplace(from[i], static_cast<int64_t>(i));
  std::vector<int64_t> old;
  for (const std::string& name : to) {
    const auto it = places.find(name);
    old.push_back(it == places.end() ? -1 : it->second);
  }
  return old;
}

// Copies the places both have; along each axis of `to` stands where it was. Row by row from the first axis on.
void CopyAlong(const std::vector<std::vector<int64_t>>& old_places, const ParameterSpec& from, const ParameterSpec& to,
               size_t axis, const float* values, float* into) {
  int64_t from_stride = 1;
  int64_t to_stride = 1;
  for (size_t later = axis + 1; later < to.sizes.size(); ++later) {
    from_stride *= from.sizes[later];
    to_stride *= to.sizes[later];
  }
  for (size_t i = 0; i < old_places[axis].size(); ++i) {
    const int64_t old = old_places[axis][i];
    if (old < 0) continue;
    const float* source = values + old * from_stride;
    float* target = into + static_cast<int64_t>(i) * to_stride;
    if (axis + 1 == to.sizes.size()) {
      *target = *source;
    } else {
      CopyAlong(old_places, from, to, axis + 1, source, target);
    }
  }
}

}  // namespace

void MoveParameters(const NamedLayout& from, const torch::Tensor& values, const NamedLayout& to, torch::Tensor& into) {
  std::map<std::string, const ParameterSpec*> old;
  for (const ParameterSpec& parameter : from.layout.specs()) old.emplace(parameter.name, &parameter);
  for (const ParameterSpec& parameter : to.layout.specs()) {
    const auto it = old.find(parameter.name);
    if (it == old.end() || it->second->sizes.size() != parameter.sizes.size()) continue;
    std::vector<std::vector<int64_t>> old_places;
    for (size_t axis = 0; axis < parameter.sizes.size(); ++axis) {
      old_places.push_back(OldPlaces(NamesAlong(from.spec, *it->second, axis), NamesAlong(to.spec, parameter, axis)));
    }
    CopyAlong(old_places, *it->second, parameter, 0, values.data_ptr<float>() + it->second->offset,
              into.data_ptr<float>() + parameter.offset);
  }
}

}  // namespace polyscene
