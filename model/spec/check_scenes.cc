// Scenes: what is learned and scored in each.
#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "model/spec/checks.h"
#include "model/spec/names.h"

namespace polyscene {
namespace {

class SceneChecker {
 public:
  SceneChecker(const v1::ModelFile& file, Mistakes& mistakes) : mistakes_(mistakes) {
    for (const v1::Feature& feature : file.features()) {
      if (!feature.name().empty()) features_.push_back(feature.name());
      sides_.emplace(feature.name(), feature.side());
    }
    for (const v1::Task& task : file.tasks()) {
      if (!task.name().empty()) tasks_.push_back(task.name());
      kinds_.emplace(task.name(), task.kind_case());
    }
  }

  void Check(const v1::Scene& scene, const Place& place) {
    CheckName(place, "name", scene.name(), "scene", mistakes_);
    if (!scene.name().empty() && !scenes_.insert(scene.name()).second) {
      mistakes_.Add(place.Field("name"),
                    absl::StrCat("scene '", scene.name(), "' is there already, expected unique names"));
    }
    if (scene.tasks().empty()) {
      mistakes_.Add(place.Field("tasks"),
                    absl::StrCat("scene '", scene.name(), "' has no tasks, expected at least one"));
    }
    CheckReferences(scene.tasks(), tasks_, "tasks", "task", place);
    CheckReferences(scene.features(), features_, "features", "feature", place);
    if (scene.has_rank_by()) CheckRankBy(scene, place.Field("rank_by"));
  }

 private:
  void CheckReferences(const google::protobuf::RepeatedPtrField<std::string>& names,
                       const std::vector<std::string>& known, absl::string_view field, absl::string_view what,
                       const Place& place) {
    absl::flat_hash_set<std::string> seen;
    for (int i = 0; i < names.size(); ++i) {
      if (std::find(known.begin(), known.end(), names[i]) == known.end()) {
        mistakes_.Add(place.Field(field, i),
                      absl::StrCat("there is no ", what, " '", names[i], "'", ExpectedName(names[i], known)));
      } else if (!seen.insert(names[i]).second) {
        mistakes_.Add(place.Field(field, i),
                      absl::StrCat(what, " '", names[i], "' is listed again, expected each once"));
      }
    }
  }

  void CheckRankBy(const v1::Scene& scene, const Place& place) {
    const auto is_candidate = [&](const std::string& name) {
      const auto side = sides_.find(name);
      return side != sides_.end() && side->second == v1::CANDIDATE;
    };
    const bool ranks = scene.features().empty()
                           ? std::any_of(features_.begin(), features_.end(), is_candidate)
                           : std::any_of(scene.features().begin(), scene.features().end(), is_candidate);
    if (!ranks) {
      mistakes_.Add(place, absl::StrCat("rank_by in scene '", scene.name(),
                                        "' without CANDIDATE features, expected at least one to rank candidates by"));
    }
    if (scene.rank_by().factors().empty())
      mistakes_.Add(place.Field("factors"), "rank_by has no factors, expected at least one");
    absl::flat_hash_set<std::string> seen;
    for (int i = 0; i < scene.rank_by().factors_size(); ++i) {
      const v1::RankBy::Factor& factor = scene.rank_by().factors(i);
      const Place here = place.Field("factors", i);
      CheckNumber(here, "power", factor.power(), {}, mistakes_);
      const std::vector<std::string> in_scene(scene.tasks().begin(), scene.tasks().end());
      if (std::find(in_scene.begin(), in_scene.end(), factor.task()) == in_scene.end()) {
        mistakes_.Add(here.Field("task"), absl::StrCat("rank_by names '", factor.task(), "', not a task of scene '",
                                                       scene.name(), "'", ExpectedName(factor.task(), in_scene)));
        continue;
      }
      const auto kind = kinds_.find(factor.task());
      if (kind != kinds_.end() && (kind->second == v1::Task::kMultiClass || kind->second == v1::Task::kForecast)) {
        mistakes_.Add(here.Field("task"), absl::StrCat("rank_by names '", factor.task(), "', a ",
                                                       kind->second == v1::Task::kForecast ? "forecast" : "multi_class",
                                                       " task, expected a binary or regression task"));
      }
      if (!seen.insert(factor.task()).second) {
        mistakes_.Add(here.Field("task"), absl::StrCat("rank_by names '", factor.task(),
                                                       "' again, expected each once (with another power)"));
      }
    }
  }

  Mistakes& mistakes_;
  std::vector<std::string> features_;
  std::vector<std::string> tasks_;
  absl::flat_hash_map<std::string, v1::Side> sides_;
  absl::flat_hash_map<std::string, v1::Task::KindCase> kinds_;
  absl::flat_hash_set<std::string> scenes_;
};

}  // namespace

void CheckScenes(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  SceneChecker checker(file, mistakes);
  for (int i = 0; i < file.scenes_size(); ++i) checker.Check(file.scenes(i), place.Field("scenes", i));
}

}  // namespace polyscene
