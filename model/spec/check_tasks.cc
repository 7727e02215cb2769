// Tasks: kinds, labels and losses.
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "model/spec/checks.h"
#include "model/spec/defaults.h"
#include "model/spec/names.h"

namespace polyscene {
namespace {

constexpr double kLongestWindow = 1e9;  // Some 30 years.

class TaskChecker {
 public:
  TaskChecker(const v1::Task& task, const Place& place, Mistakes& mistakes)
      : task_(task), place_(place), mistakes_(mistakes) {}

  void Check() {
    CheckName(place_, "name", task_.name(), "task", mistakes_);
    CheckNumber(place_, "weight", task_.weight(), {}, mistakes_);
    CheckKind();
    CheckWindows();
    CheckColumns();
    if (task_.has_calibration()) CheckCalibration(place_.Field("calibration"));
    if (task_.has_missing_outside()) CheckRange(place_.Field("missing_outside"));
  }

 private:
  std::string Self() const { return absl::StrCat("task '", task_.name(), "'"); }
  bool is_binary() const { return task_.has_binary() || task_.has_product(); }
  bool kind_known() const { return task_.kind_case() != v1::Task::KIND_NOT_SET; }

  void CheckKind() {
    switch (task_.kind_case()) {
      case v1::Task::KIND_NOT_SET:
        if (AnyBad(place_, {"binary", "multi_class", "regression", "forecast", "product"})) return;
        mistakes_.Add(
            place_,
            absl::StrCat(Self(), " has no kind, expected one of binary, multi_class, regression, forecast, product"));
        return;
      case v1::Task::kBinary:
        return CheckNumber(place_.Field("binary").Field("focal"), "gamma", task_.binary().focal().gamma(), {},
                           mistakes_);
      case v1::Task::kProduct:
        return;
      case v1::Task::kMultiClass:
        return CheckInteger(place_.Field("multi_class"), "classes", task_.multi_class().classes(), 2, 1000, mistakes_);
      case v1::Task::kRegression:
        return CheckRegression(task_.regression().loss(), task_.regression().transform(), place_.Field("regression"));
      case v1::Task::kForecast:
        CheckInteger(place_.Field("forecast"), "horizon", task_.forecast().horizon(), 1, 366, mistakes_);
        return CheckRegression(task_.forecast().loss(), task_.forecast().transform(), place_.Field("forecast"));
    }
  }

  void CheckRegression(const v1::RegressionLoss& loss, const v1::Transform& transform, const Place& place) {
    if (loss.has_huber()) {
      CheckNumber(place.Field("loss").Field("huber"), "delta", loss.huber().delta(), {}, mistakes_);
    }
    if (loss.has_pinball()) {
      CheckNumber(place.Field("loss").Field("pinball"), "quantile", loss.pinball().quantile(), {.below = 1}, mistakes_);
    }
    if (loss.has_poisson() && (transform.log1p() || transform.standardize() || transform.center() != 0 ||
                               (transform.scale() != 0 && transform.scale() != 1))) {
      mistakes_.Add(place.Field("transform"),
                    absl::StrCat("a transform on ", Self(),
                                 ", whose loss is poisson, expected none: it fits a logarithm already"));
      return;
    }
    CheckStandardize(transform, place.Field("transform"));
    CheckNumber(place.Field("transform"), "center", transform.center(), {.any = true}, mistakes_);
    CheckNumber(place.Field("transform"), "scale", transform.scale(), {}, mistakes_);
  }

  void CheckStandardize(const v1::Transform& transform, const Place& place) {
    if (!transform.standardize()) return;
    for (const auto& [field, value] :
         {std::pair("center", transform.center()), std::pair("scale", transform.scale())}) {
      if (value == 0) continue;
      mistakes_.Add(place.Field(field), absl::StrCat(field, " is ", value, " on ", Self(),
                                                     ", which is standardized, expected none: it follows the labels"));
    }
  }

  void CheckCalibration(const Place& place) {
    if (kind_known() && !is_binary()) {
      mistakes_.Add(place, absl::StrCat("calibration on ", Self(), ", expected it on a binary task only"));
    } else if (task_.calibration().has_platt()) {
      CheckNumber(place.Field("platt"), "half_life_rows", task_.calibration().platt().half_life_rows(), {}, mistakes_);
    } else if (!AnyBad(place, {"platt"})) {
      mistakes_.Add(place, absl::StrCat("calibration of ", Self(), " has no kind, expected platt { }"));
    }
  }

  void CheckWindows() {
    CheckNumber(place_, "attribution_window_seconds", task_.attribution_window_seconds(), {.below = kLongestWindow},
                mistakes_);
    CheckNumber(place_, "assume_negative_after_seconds", task_.assume_negative_after_seconds(),
                {.below = kLongestWindow}, mistakes_);
    const double after = task_.assume_negative_after_seconds();
    if (!(after > 0)) return;
    if (kind_known() && !is_binary()) {
      mistakes_.Add(place_.Field("assume_negative_after_seconds"),
                    absl::StrCat("assume_negative_after_seconds on ", Self(), ", expected it on a binary task only"));
    }
    double window = task_.attribution_window_seconds();
    if (window == 0) window = kDefaultAttributionWindowSeconds;
    if (after > window) {
      mistakes_.Add(place_.Field("assume_negative_after_seconds"),
                    absl::StrCat("assume_negative_after_seconds is ", after,
                                 ", expected at most attribution_window_seconds, ", window));
    }
  }

  void CheckColumns() {
    if (task_.has_forecast()) {
      if (!task_.column().empty()) {
        mistakes_.Add(place_.Field("column"),
                      absl::StrCat("column on the forecast ", Self(), ", expected columns, one a step"));
      }
      const int horizon = task_.forecast().horizon();
      if (!task_.columns().empty() && task_.columns_size() != horizon) {
        mistakes_.Add(place_.Field("columns"), absl::StrCat("columns lists ", task_.columns_size(), ", expected ",
                                                            horizon, ", one a step of the horizon"));
      }
    } else if (kind_known() && !task_.columns().empty()) {
      mistakes_.Add(place_.Field("columns"),
                    absl::StrCat("columns on ", Self(), ", expected column: only a forecast has several"));
    }
    absl::flat_hash_set<std::string> seen;
    for (int i = 0; i < task_.columns_size(); ++i) {
      const std::string& column = task_.columns(i);
      if (column.empty()) {
        mistakes_.Add(place_.Field("columns", i), "an empty column, expected a column's name");
      } else if (!seen.insert(column).second) {
        mistakes_.Add(place_.Field("columns", i),
                      absl::StrCat("column '", column, "' is listed again, expected each once"));
      }
    }
  }

  void CheckRange(const Place& place) {
    if (kind_known() && !task_.has_regression() && !task_.has_forecast()) {
      mistakes_.Add(place,
                    absl::StrCat("missing_outside on ", Self(), ", expected it on a regression or forecast only"));
    }
    const v1::Range& range = task_.missing_outside();
    CheckNumber(place, "min", range.min(), {.any = true}, mistakes_);
    CheckNumber(place, "max", range.max(), {.any = true}, mistakes_);
    if (std::isfinite(range.min()) && std::isfinite(range.max()) && range.max() <= range.min()) {
      mistakes_.Add(place.Field("max"), absl::StrCat("max is ", range.max(), ", expected above min, ", range.min()));
    }
  }

  const v1::Task& task_;
  const Place& place_;
  Mistakes& mistakes_;
};

}  // namespace

void CheckTasks(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  absl::flat_hash_set<std::string> names;
  absl::flat_hash_set<std::string> used;
  for (const v1::Scene& scene : file.scenes()) used.insert(scene.tasks().begin(), scene.tasks().end());
  for (int i = 0; i < file.tasks_size(); ++i) {
    const v1::Task& task = file.tasks(i);
    const Place here = place.Field("tasks", i);
    TaskChecker(task, here, mistakes).Check();
    if (!IsName(task.name())) continue;  // One mistake is enough.
    if (!names.insert(task.name()).second) {
      mistakes.Add(here.Field("name"),
                   absl::StrCat("task '", task.name(), "' is there already, expected unique names"));
    } else if (!used.contains(task.name()) && file.scenes_size() > 0) {
      mistakes.Add(here.Field("name"),
                   absl::StrCat("task '", task.name(), "' is in no scene, expected it in the tasks of at least one"));
    }
  }
}

}  // namespace polyscene
