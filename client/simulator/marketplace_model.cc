// MarketplaceModel: does a model file describe what is simulated?
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/simulator/event_tables.h"
#include "client/simulator/words.h"
#include "model/data/event_columns.h"

namespace polyscene::simulator {
namespace {

// "a FLOAT on the candidate side", "an INT64 sequence on the context side".
std::string Describe(ValueType type, bool sequence, bool candidate) {
  return absl::StrCat(type == ValueType::kInt64 ? "an " : "a ", ValueTypeName(type), sequence ? " sequence" : "",
                      " on the ", candidate ? "candidate" : "context", " side");
}

std::string Describe(TaskKind kind, int width) {
  switch (kind) {
    case TaskKind::kBinary:
      return "binary";
    case TaskKind::kMultiClass:
      return absl::StrCat("multi_class of ", width, " classes");
    case TaskKind::kRegression:
      return "a regression";
    case TaskKind::kForecast:
      return absl::StrCat("a forecast of ", width, " steps");
  }
  return "";
}

std::string Describe(const v1::Task& task) {
  switch (task.kind_case()) {
    case v1::Task::kBinary:
    case v1::Task::kProduct:
      return Describe(TaskKind::kBinary, 1);
    case v1::Task::kMultiClass:
      return Describe(TaskKind::kMultiClass, task.multi_class().classes());
    case v1::Task::kRegression:
      return Describe(TaskKind::kRegression, 1);
    case v1::Task::kForecast:
      return Describe(TaskKind::kForecast, task.forecast().horizon());
    case v1::Task::KIND_NOT_SET:
      break;
  }
  return "of no kind";
}

template <typename Simulated>
const Simulated* FindIn(absl::Span<const Simulated> all, absl::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Simulated& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

template <typename Named>
const Named* FindNamed(const google::protobuf::RepeatedPtrField<Named>& all, absl::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& one) { return one.name() == name; });
  return found == all.end() ? nullptr : &*found;
}

void CheckFeatures(const v1::ModelFile& model, const v1::Scene& scene, Scene simulated_scene,
                   MarketplaceModel::SceneColumns& columns, std::vector<std::string>& problems) {
  for (const v1::Feature* feature : FeaturesOfScene(model, scene)) {
    const SimulatedFeature* simulated = FindIn(Features(), feature->name());
    if (simulated == nullptr || !simulated->In(simulated_scene)) {
      if (feature->required()) {
        problems.push_back(absl::StrCat("scene '", scene.name(), "': feature '", feature->name(),
                                        "' is required but not simulated there"));
      }
      continue;
    }
    const std::string is =
        Describe(ToValueType(feature->type()), feature->has_sequence(), feature->side() == v1::CANDIDATE);
    const std::string expected = Describe(simulated->type, simulated->length != nullptr, simulated->candidate);
    if (is != expected) {
      problems.push_back(absl::StrCat("feature '", feature->name(), "' is ", is, ", expected ", expected));
    }
    columns.features.push_back(simulated);
  }
}

void CheckTasks(const v1::ModelFile& model, const v1::Scene& scene, Scene simulated_scene,
                MarketplaceModel::SceneColumns& columns, std::vector<std::string>& problems) {
  for (const std::string& name : scene.tasks()) {
    const SimulatedTask* simulated = FindIn(Tasks(), name);
    if (simulated == nullptr || !simulated->In(simulated_scene)) {
      problems.push_back(absl::StrCat("scene '", scene.name(), "': task '", name, "' is not simulated there"));
      continue;
    }
    const v1::Task* task = FindNamed(model.tasks(), name);
    const std::string is = task == nullptr ? "nowhere" : Describe(*task);
    const std::string expected =
        Describe(simulated->kind, simulated->kind == TaskKind::kMultiClass ? kCategories : simulated->width);
    if (is != expected) problems.push_back(absl::StrCat("task '", name, "' is ", is, ", expected ", expected));
    columns.tasks.push_back(simulated);
  }
}

}  // namespace

absl::StatusOr<MarketplaceModel> MarketplaceModel::Of(const v1::ModelFile& model) {
  MarketplaceModel marketplace;
  std::vector<std::string> problems;
  for (int s = 0; s < kScenes; ++s) {
    const Scene simulated_scene = static_cast<Scene>(s);
    const v1::Scene* scene = FindNamed(model.scenes(), SceneName(simulated_scene));
    if (scene == nullptr) {
      problems.push_back(absl::StrCat("scene '", SceneName(simulated_scene), "' is missing"));
      continue;
    }
    CheckFeatures(model, *scene, simulated_scene, marketplace.scenes[s], problems);
    CheckTasks(model, *scene, simulated_scene, marketplace.scenes[s], problems);
  }
  if (problems.empty()) return marketplace;
  // What is wrong with a feature shows in each of its scenes; once is enough.
  std::vector<std::string> once;
  for (const std::string& problem : problems) {
    if (std::find(once.begin(), once.end(), problem) == once.end()) once.push_back(problem);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the model '", model.name(), "' is not one of the simulated marketplace (",
                   "see deploy/models/marketplace.textproto):\n  ", absl::StrJoin(once, "\n  ")));
}

}  // namespace polyscene::simulator
