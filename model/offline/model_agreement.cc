#include "model/offline/model_agreement.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace polyscene {
namespace {

class Comparison {
 public:
  Comparison(const NamedModel& a, const NamedModel& b) : a_(a), b_(b) {}

  void Expect(absl::string_view what, const std::string& in_a, const std::string& in_b) {
    if (in_a == in_b) return;
    lines_.push_back(absl::StrCat(what, ": ", in_a.empty() ? "none" : in_a, " in ", a_.path, ", ",
                                  in_b.empty() ? "none" : in_b, " in ", b_.path));
  }

  std::vector<std::string> Take() { return std::move(lines_); }

 private:
  const NamedModel& a_;
  const NamedModel& b_;
  std::vector<std::string> lines_;
};

// "binary", "forecast of 7", as the model file has it.
std::string KindOf(const ModelSpec& spec, int task) {
  const v1::Task& message = spec.file().tasks(task);
  const auto* kind =
      message.GetReflection()->GetOneofFieldDescriptor(message, message.GetDescriptor()->FindOneofByName("kind"));
  const int outputs = spec.tasks()[task].outputs;
  if (!spec.tasks()[task].factors.empty())
    return "binary";  // Whatever makes the scores of one, its labels are the same.
  return absl::StrCat(kind == nullptr ? "" : kind->name(), outputs > 1 ? absl::StrCat(" of ", outputs) : "");
}

std::string RangeOf(const TaskSpec& task) {
  return task.has_range ? absl::StrCat(task.range_min, " to ", task.range_max) : "";
}

// Of a task of `spec`: "click" or "not click".
std::string ConditionOf(const ModelSpec& spec, const TaskSpec& task) {
  if (task.defined_when < 0) return "";
  return absl::StrCat(task.defined_when_negative ? "not " : "", spec.tasks()[task.defined_when].name);
}

// What but one of the two has, `has` telling what `other` has.
template <typename Items, typename Has>
void Missing(absl::string_view what, const Items& items, const NamedModel& other, const Has& has,
             std::vector<std::string>& lines) {
  for (const auto& item : items) {
    if (!has(item.name)) lines.push_back(absl::StrCat(what, " '", item.name, "': ", other.path, " does not have it"));
  }
}

}  // namespace

std::vector<std::string> Disagreements(const NamedModel& a, const NamedModel& b) {
  Comparison comparison(a, b);
  const v1::Files& files_a = a.spec->file().files();
  const v1::Files& files_b = b.spec->file().files();
  comparison.Expect("scene_column", files_a.scene_column(), files_b.scene_column());
  comparison.Expect("event_time_column", files_a.event_time_column(), files_b.event_time_column());
  comparison.Expect("request_id_column", files_a.request_id_column(), files_b.request_id_column());
  comparison.Expect("weight_column", files_a.weight_column(), files_b.weight_column());
  for (const FeatureSpec& feature : a.spec->features()) {
    const int index = b.spec->FindFeature(feature.name);
    if (index < 0) continue;
    const FeatureSpec& other = b.spec->features()[index];
    const std::string name = absl::StrCat("feature '", feature.name, "', ");
    comparison.Expect(absl::StrCat(name, "column"), feature.column, other.column);
    comparison.Expect(absl::StrCat(name, "type"), std::string(ValueTypeName(feature.type)),
                      std::string(ValueTypeName(other.type)));
  }
  for (size_t t = 0; t < a.spec->tasks().size(); ++t) {
    const TaskSpec& task = a.spec->tasks()[t];
    const int index = b.spec->FindTask(task.name);
    if (index < 0) continue;
    const TaskSpec& other = b.spec->tasks()[index];
    const std::string name = absl::StrCat("task '", task.name, "', ");
    comparison.Expect(absl::StrCat(name, "columns"), absl::StrJoin(task.columns, " "),
                      absl::StrJoin(other.columns, " "));
    comparison.Expect(absl::StrCat(name, "kind"), KindOf(*a.spec, static_cast<int>(t)), KindOf(*b.spec, index));
    comparison.Expect(absl::StrCat(name, "missing_outside"), RangeOf(task), RangeOf(other));
    comparison.Expect(absl::StrCat(name, "defined_when"), ConditionOf(*a.spec, task), ConditionOf(*b.spec, other));
    comparison.Expect(absl::StrCat(name, "scale of evaluation"), task.log1p ? "log1p" : "as labelled",
                      other.log1p ? "log1p" : "as labelled");
  }
  std::vector<std::string> lines = comparison.Take();
  // Rows of a scene that a model does not know are refused, so it would learn and be measured on fewer.
  Missing(
      "scene", a.spec->scenes(), b, [&b](const auto& name) { return b.spec->FindScene(name) >= 0; }, lines);
  Missing(
      "scene", b.spec->scenes(), a, [&a](const auto& name) { return a.spec->FindScene(name) >= 0; }, lines);
  return lines;
}

std::vector<std::string> Omissions(const NamedModel& a, const NamedModel& b) {
  std::vector<std::string> lines;
  Missing(
      "feature", a.spec->features(), b, [&b](const auto& name) { return b.spec->FindFeature(name) >= 0; }, lines);
  Missing(
      "feature", b.spec->features(), a, [&a](const auto& name) { return a.spec->FindFeature(name) >= 0; }, lines);
  Missing(
      "task", a.spec->tasks(), b, [&b](const auto& name) { return b.spec->FindTask(name) >= 0; }, lines);
  Missing(
      "task", b.spec->tasks(), a, [&a](const auto& name) { return a.spec->FindTask(name) >= 0; }, lines);
  for (const SceneSpec& scene : a.spec->scenes()) {
    const int other = b.spec->FindScene(scene.name);
    if (other < 0) continue;
    for (size_t t = 0; t < a.spec->tasks().size(); ++t) {
      const std::string& task = a.spec->tasks()[t].name;
      const int index = b.spec->FindTask(task);
      if (index < 0 || scene.has_task[t] == b.spec->scenes()[other].has_task[index]) continue;
      lines.push_back(absl::StrCat("scene '", scene.name, "' has task '", task, "' in ",
                                   scene.has_task[t] ? a.path : b.path, " alone"));
    }
  }
  return lines;
}

}  // namespace polyscene
