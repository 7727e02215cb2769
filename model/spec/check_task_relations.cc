// What tasks have to do with each other: products and their factors, and labels that others decide about.
#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "model/spec/checks.h"
#include "model/spec/names.h"

namespace polyscene {
namespace {

constexpr int kMostFactors = 8;

class RelationChecker {
 public:
  RelationChecker(const v1::ModelFile& file, const Place& place, Mistakes& mistakes)
      : file_(file), place_(place), mistakes_(mistakes) {
    for (const v1::Task& task : file.tasks()) {
      if (task.name().empty()) continue;
      names_.push_back(task.name());
      tasks_.emplace(task.name(), &task);
      if (task.evaluate_only()) continue;
      for (const std::string& factor : task.product().tasks()) learned_through_.insert(factor);
    }
  }

  void Check(const v1::Task& task, const Place& place) {
    if (task.has_product()) CheckProduct(task, place.Field("product"));
    if (task.has_defined_when()) CheckCondition(task, place.Field("defined_when"));
    if (task.evaluate_only() && !task.has_product() && !learned_through_.contains(task.name())) {
      mistakes_.Add(place.Field("evaluate_only"),
                    absl::StrCat("evaluate_only on task '", task.name(),
                                 "', which is no factor of a product that is learned: expected it on one that is"));
    }
  }

 private:
  // "a forecast" and the like; empty for a binary task, whose label is 0 or 1.
  static absl::string_view KindThatIsNotBinary(const v1::Task& task) {
    switch (task.kind_case()) {
      case v1::Task::kMultiClass:
        return "a multi_class";
      case v1::Task::kRegression:
        return "a regression";
      case v1::Task::kForecast:
        return "a forecast";
      default:
        return "";
    }
  }

  // Each scene with `task` must have `other`.
  void CheckScenes(const v1::Task& task, const std::string& other, absl::string_view what) {
    for (int s = 0; s < file_.scenes_size(); ++s) {
      const auto& tasks = file_.scenes(s).tasks();
      const auto own = std::find(tasks.begin(), tasks.end(), task.name());
      if (own == tasks.end() || std::find(tasks.begin(), tasks.end(), other) != tasks.end()) continue;
      mistakes_.Add(place_.Field("scenes", s).Field("tasks", static_cast<int>(own - tasks.begin())),
                    absl::StrCat("scene '", file_.scenes(s).name(), "' has task '", task.name(), "' without '", other,
                                 "', ", what, ", expected both"));
    }
  }

  void CheckProduct(const v1::Task& task, const Place& place) {
    const auto& factors = task.product().tasks();
    if (factors.size() < 2 || factors.size() > kMostFactors) {
      mistakes_.Add(place, absl::StrCat("product of task '", task.name(), "' lists ", factors.size(),
                                        " tasks, expected 2 to ", kMostFactors));
    }
    absl::flat_hash_set<std::string> seen;
    for (int i = 0; i < factors.size(); ++i) {
      const Place here = place.Field("tasks", i);
      const auto factor = tasks_.find(factors[i]);
      if (factor == tasks_.end()) {
        mistakes_.Add(here, absl::StrCat("there is no task '", factors[i], "'", ExpectedName(factors[i], names_)));
        continue;
      }
      const absl::string_view other_kind = KindThatIsNotBinary(*factor->second);
      if (factor->second->has_product()) {
        mistakes_.Add(here, absl::StrCat("product of task '", task.name(), "' names '", factors[i],
                                         "', a product, expected its factors instead"));
      } else if (!other_kind.empty()) {
        mistakes_.Add(here, absl::StrCat("product of task '", task.name(), "' names '", factors[i], "', ", other_kind,
                                         " task, expected a binary task"));
      } else if (!seen.insert(factors[i]).second) {
        mistakes_.Add(here, absl::StrCat("product of task '", task.name(), "' names '", factors[i],
                                         "' again, expected each once"));
      } else {
        CheckScenes(task, factors[i], "a factor of its product");
      }
    }
  }

  void CheckCondition(const v1::Task& task, const Place& place) {
    const std::string& name = task.defined_when().task();
    const Place here = place.Field("task");
    const std::string self = absl::StrCat("defined_when of task '", task.name(), "'");
    const auto other = tasks_.find(name);
    if (name.empty()) {
      mistakes_.Add(place, absl::StrCat(self, " names no task, expected a binary task"));
    } else if (other == tasks_.end()) {
      mistakes_.Add(here, absl::StrCat("there is no task '", name, "'", ExpectedName(name, names_)));
    } else if (!KindThatIsNotBinary(*other->second).empty()) {
      mistakes_.Add(here, absl::StrCat(self, " names '", name, "', ", KindThatIsNotBinary(*other->second),
                                       " task, expected a binary task"));
    } else if (other->second->assume_negative_after_seconds() > 0) {
      // A positive that comes later is a correction of its own, and takes no other task's label along.
      mistakes_.Add(here, absl::StrCat(self, " names '", name,
                                       "', which has assume_negative_after_seconds, expected a task without it: labels "
                                       "that come with a correction do not count"));
    } else if (const std::string way = WayBack(task); !way.empty()) {
      mistakes_.Add(here, absl::StrCat(self, " leads back to itself (", way, "), expected a task that does not"));
    } else {
      CheckScenes(task, name, "whose label its own depends on");
    }
  }

  // "a, b, a" where the conditions from `task` on lead back to it; else empty.
  std::string WayBack(const v1::Task& task) const {
    std::string way = task.name();
    const v1::Task* at = &task;
    for (size_t i = 0; i < tasks_.size() && at->has_defined_when(); ++i) {
      const auto next = tasks_.find(at->defined_when().task());
      if (next == tasks_.end()) break;
      at = next->second;
      absl::StrAppend(&way, ", ", at->name());
      if (at == &task) return way;
    }
    return "";
  }

  const v1::ModelFile& file_;
  const Place& place_;
  Mistakes& mistakes_;
  std::vector<std::string> names_;
  absl::flat_hash_map<std::string, const v1::Task*> tasks_;
  absl::flat_hash_set<std::string> learned_through_;  // Factors of products that have a loss.
};

}  // namespace

void CheckTaskRelations(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  RelationChecker checker(file, place, mistakes);
  for (int i = 0; i < file.tasks_size(); ++i) checker.Check(file.tasks(i), place.Field("tasks", i));
}

}  // namespace polyscene
