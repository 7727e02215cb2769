#include "model/data/event_columns.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace polyscene {
namespace {

const v1::Task* FindTask(const v1::ModelFile& model, const std::string& name) {
  const auto task =
      std::find_if(model.tasks().begin(), model.tasks().end(), [&](const v1::Task& t) { return t.name() == name; });
  return task == model.tasks().end() ? nullptr : &*task;
}

// Looks columns up in a header and remembers what it did not find.
class Finder {
 public:
  Finder(const v1::ModelFile& model, absl::Span<const std::string> header) : model_(model) {
    for (size_t c = 0; c < header.size(); ++c) fields_.emplace(header[c], static_cast<int>(c));
  }

  EventColumns Find(absl::string_view given_scene, bool features_only) {
    EventColumns columns;
    const std::string scene_column = SceneColumnOf(model_);
    columns.scene_field = Field(scene_column);
    if (columns.scene_field < 0 && model_.scenes_size() > 1 && given_scene.empty()) {
      Miss(absl::StrCat("column '", scene_column, "' with each row's scene (or the scene of all its rows)"));
    }
    for (const v1::Scene& scene : model_.scenes()) {
      SceneColumns& found = columns.scenes.emplace_back();
      found.scene = scene.name();
      // What only other scenes need is not asked of a file whose rows are all of one.
      if (columns.scene_field < 0 && !given_scene.empty() && scene.name() != given_scene) continue;
      FindFeatures(scene, found);
      if (!features_only) FindTasks(scene, found);
    }
    const v1::Files& files = model_.files();
    if (features_only) {
      if (!files.request_id_column().empty()) columns.request_id_field = Field(files.request_id_column());
      return columns;
    }
    columns.event_time_field = NamedField(files.event_time_column(), "event times");
    columns.label_time_field = NamedField(files.label_time_column(), "label times");
    columns.request_id_field = NamedField(files.request_id_column(), "request ids");
    columns.weight_field = NamedField(files.weight_column(), "weights");
    if (!any_label_) {
      Miss(absl::StrCat("the labels of at least one task, in columns '", absl::StrJoin(label_columns_, "', '"), "'"));
    }
    return columns;
  }

  const std::vector<std::string>& missing() const { return missing_; }

 private:
  int Field(absl::string_view column) const {
    const auto found = fields_.find(column);
    return found == fields_.end() ? -1 : found->second;
  }

  int NamedField(const std::string& column, absl::string_view what) {
    if (column.empty()) return -1;
    const int field = Field(column);
    if (field < 0) Miss(absl::StrCat("column '", column, "' with ", what));
    return field;
  }

  void Miss(std::string what) {
    // Scenes share features and tasks: said once.
    if (std::find(missing_.begin(), missing_.end(), what) == missing_.end()) missing_.push_back(std::move(what));
  }

  void FindFeatures(const v1::Scene& scene, SceneColumns& found) {
    for (const v1::Feature* feature : FeaturesOfScene(model_, scene)) {
      const int field = Field(ColumnOf(*feature));
      if (field >= 0) {
        found.features.push_back({feature->name(), ColumnOf(*feature), field, ToValueType(feature->type()),
                                  feature->required(), feature->has_sequence()});
      } else if (feature->required()) {
        Miss(absl::StrCat("column '", ColumnOf(*feature), "' of the required feature '", feature->name(), "'"));
      }
    }
  }

  void FindTasks(const v1::Scene& scene, SceneColumns& found) {
    for (const std::string& name : scene.tasks()) {
      const v1::Task* const task = FindTask(model_, name);
      if (task == nullptr) continue;  // A checked model file has it.
      TaskColumns columns{name, {}};
      std::vector<std::string> absent;
      for (const std::string& column : LabelColumns(*task)) {
        if (std::find(label_columns_.begin(), label_columns_.end(), column) == label_columns_.end()) {
          label_columns_.push_back(column);
        }
        columns.fields.push_back(Field(column));
        if (columns.fields.back() < 0) absent.push_back(column);
      }
      if (absent.size() == columns.fields.size()) continue;
      any_label_ = true;
      if (absent.empty()) {
        found.tasks.push_back(std::move(columns));
      } else {
        Miss(absl::StrCat("columns '", absl::StrJoin(absent, "', '"), "' of the forecast '", name,
                          "', whose other columns are there"));
      }
    }
  }

  const v1::ModelFile& model_;
  absl::flat_hash_map<absl::string_view, int> fields_;
  std::vector<std::string> label_columns_;
  std::vector<std::string> missing_;
  bool any_label_ = false;
};

// The one of `columns` with that name; null if there is none.
template <typename T>
const T* Named(const std::vector<T>& columns, const std::string& name) {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const T& c) { return c.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

// For each of `names` that any of the lists has: gives it to all, with fields of -1 where it was not.
template <typename T>
void AlignLists(const std::vector<std::string>& names, absl::Span<std::vector<T>* const> lists,
                const std::function<void(T&)>& forget_fields) {
  std::vector<std::vector<T>> aligned(lists.size());
  for (const std::string& name : names) {
    const T* some = nullptr;
    for (const std::vector<T>* const list : lists) {
      if (some == nullptr) some = Named(*list, name);
    }
    if (some == nullptr) continue;
    for (size_t i = 0; i < lists.size(); ++i) {
      const T* const own = Named(*lists[i], name);
      aligned[i].push_back(own == nullptr ? *some : *own);
      if (own == nullptr) forget_fields(aligned[i].back());
    }
  }
  for (size_t i = 0; i < lists.size(); ++i) *lists[i] = std::move(aligned[i]);
}

}  // namespace

ValueType ToValueType(v1::ValueType type) {
  switch (type) {
    case v1::FLOAT:
      return ValueType::kFloat;
    case v1::STRING:
      return ValueType::kString;
    default:
      return ValueType::kInt64;
  }
}

std::vector<const v1::Feature*> FeaturesOfScene(const v1::ModelFile& model, const v1::Scene& scene) {
  std::vector<const v1::Feature*> features;
  for (const v1::Feature& feature : model.features()) {
    const auto& listed = scene.features();
    if (listed.empty() || std::find(listed.begin(), listed.end(), feature.name()) != listed.end()) {
      features.push_back(&feature);
    }
  }
  return features;
}

const std::string& ColumnOf(const v1::Feature& feature) {
  return feature.column().empty() ? feature.name() : feature.column();
}

std::vector<std::string> LabelColumns(const v1::Task& task) {
  if (!task.has_forecast()) return {task.column().empty() ? task.name() : task.column()};
  std::vector<std::string> columns(task.columns().begin(), task.columns().end());
  if (columns.empty()) {
    for (int i = 1; i <= task.forecast().horizon(); ++i) columns.push_back(absl::StrCat(task.name(), "_", i));
  }
  return columns;
}

std::string SceneColumnOf(const v1::ModelFile& model) {
  return model.files().scene_column().empty() ? "scene" : model.files().scene_column();
}

absl::StatusOr<EventColumns> EventColumns::Find(const v1::ModelFile& model, absl::Span<const std::string> header,
                                                absl::string_view scene, bool features_only) {
  Finder finder(model, header);
  EventColumns columns = finder.Find(scene, features_only);
  if (!finder.missing().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the header does not have what model '", model.name(),
                                                   "' needs: ", absl::StrJoin(finder.missing(), "; "),
                                                   ". It has: ", absl::StrJoin(header, ", ")));
  }
  columns.header.assign(header.begin(), header.end());
  return columns;
}

void EventColumns::Align(const v1::ModelFile& model, absl::Span<EventColumns> files) {
  for (int s = 0; s < model.scenes_size(); ++s) {
    std::vector<std::string> feature_names;
    for (const v1::Feature* const feature : FeaturesOfScene(model, model.scenes(s))) {
      feature_names.push_back(feature->name());
    }
    const std::vector<std::string> task_names(model.scenes(s).tasks().begin(), model.scenes(s).tasks().end());
    std::vector<std::vector<FeatureColumn>*> features;
    std::vector<std::vector<TaskColumns>*> tasks;
    for (EventColumns& file : files) {
      features.push_back(&file.scenes[s].features);
      tasks.push_back(&file.scenes[s].tasks);
    }
    AlignLists<FeatureColumn>(feature_names, features, [](FeatureColumn& feature) { feature.field = -1; });
    AlignLists<TaskColumns>(task_names, tasks,
                            [](TaskColumns& task) { std::fill(task.fields.begin(), task.fields.end(), -1); });
  }
}

}  // namespace polyscene
