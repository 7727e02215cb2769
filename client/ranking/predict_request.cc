#include "client/ranking/predict_request.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/lib/encode.h"
#include "model/data/event_columns.h"
#include "model/data/field_parser.h"

namespace polyscene::cli {
namespace {

absl::StatusOr<const v1::Scene*> FindScene(const v1::ModelFile& model, const std::string& name) {
  if (name.empty() && model.scenes_size() == 1) return &model.scenes(0);
  std::vector<std::string> known;
  for (const v1::Scene& scene : model.scenes()) {
    if (scene.name() == name) return &scene;
    known.push_back(scene.name());
  }
  const std::string expected = absl::StrCat("expected one of ", absl::StrJoin(known, ", "));
  if (name.empty()) return absl::InvalidArgumentError(absl::StrCat("no scene was given (--scene), ", expected));
  return absl::InvalidArgumentError(absl::StrCat("scene '", name, "' is not in the model, ", expected));
}

bool SameCell(const Cell& a, const Cell& b) {
  return a.missing == b.missing && a.is_list == b.is_list && a.text == b.text && a.items == b.items;
}

// The one scene that the rows' scene column names; empty where they have no such column.
absl::StatusOr<std::string> SceneOfRows(const v1::ModelFile& model, const RowSet& rows) {
  const std::string& configured = model.files().scene_column();
  const int column = rows.Find(configured.empty() ? "scene" : configured);
  if (column < 0 || rows.rows.empty()) return std::string();
  const std::string& first = rows.rows[0].cells[column].text;
  for (const RowSet::Row& row : rows.rows) {
    const std::string& scene = row.cells[column].text;
    if (scene == first) continue;
    return absl::InvalidArgumentError(absl::StrCat(rows.source, ", line ", row.line, ": got scene '", scene,
                                                   "' after '", first, "', expected rows of one scene, or --scene"));
  }
  return first;
}

// Builds the columns of one request.
class Planner {
 public:
  Planner(const PredictInput& input, const v1::Scene& scene) : input_(input), scene_(scene) {}

  absl::StatusOr<PredictPlan> Plan(const v1::ModelFile& model) {
    const std::vector<const v1::Feature*> features = FeaturesOfScene(model, scene_);
    for (const v1::Feature* feature : features) plan_.has_candidates |= feature->side() == v1::CANDIDATE;
    if (absl::Status status = CheckContext(features); !status.ok()) return status;
    if (plan_.has_candidates && input_.rows.rows.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "scene '", scene_.name(), "' scores candidates, but ",
          input_.rows.source.empty() ? "no file was given" : absl::StrCat(input_.rows.source, " has none")));
    }
    for (const v1::Task& task : model.tasks()) {
      if (task.has_multi_class()) plan_.multi_class.insert(task.name());
    }
    plan_.request.set_scene(scene_.name());
    for (const std::string& task : input_.tasks) plan_.request.add_tasks(task);
    for (const v1::Feature* feature : features) {
      if (absl::Status status = AddFeature(*feature); !status.ok()) return status;
    }
    if (plan_.request.context().empty() && plan_.request.candidates().empty()) {
      std::vector<std::string> names;
      for (const v1::Feature* feature : features) names.push_back(feature->name());
      return absl::InvalidArgumentError(absl::StrCat(
          input_.rows.source.empty() ? "no value was given" : input_.rows.source, ": has no feature of scene '",
          scene_.name(), "'. It has: ", absl::StrJoin(input_.rows.names, ", "),
          "; expected some of: ", absl::StrJoin(names, ", ")));
    }
    return std::move(plan_);
  }

 private:
  absl::Status CheckContext(const std::vector<const v1::Feature*>& features) const {
    std::vector<std::string> known;
    for (const v1::Feature* feature : features) {
      if (feature->side() == v1::CONTEXT) known.push_back(feature->name());
    }
    for (const auto& [name, value] : input_.context) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        return absl::InvalidArgumentError(absl::StrCat("--context: '", name, "' is no context feature of scene '",
                                                       scene_.name(), "', expected one of ",
                                                       absl::StrJoin(known, ", ")));
      }
    }
    return absl::OkStatus();
  }

  int FindColumn(const v1::Feature& feature) const {
    const int by_name = input_.rows.Find(feature.name());
    return by_name >= 0 ? by_name : input_.rows.Find(ColumnOf(feature));
  }

  absl::Status AddFeature(const v1::Feature& feature) {
    const bool is_context = feature.side() == v1::CONTEXT;
    const bool row_by_row = !is_context || !plan_.has_candidates;
    const auto given = is_context ? input_.context.find(feature.name()) : input_.context.end();
    const int column = FindColumn(feature);
    if (given == input_.context.end() && column < 0) return absl::OkStatus();

    const std::vector<RowSet::Row>& rows = input_.rows.rows;
    const size_t count = row_by_row ? std::max<size_t>(rows.size(), 1) : 1;
    Column values;
    values.name = feature.name();
    values.type = ToValueType(feature.type());
    for (size_t r = 0; r < count; ++r) {
      if (given != input_.context.end()) {
        const Cell cell = {.missing = given->second.empty(), .text = given->second};
        if (absl::Status status = Append(feature, cell, static_cast<uint32_t>(r), "--context", values); !status.ok()) {
          return status;
        }
      } else if (r < rows.size()) {
        const std::string where = absl::StrCat(input_.rows.source, ": row ", rows[r].line);
        if (absl::Status status = Append(feature, rows[r].cells[column], static_cast<uint32_t>(r), where, values);
            !status.ok()) {
          return status;
        }
      }
    }
    if (given == input_.context.end()) {
      if (row_by_row) {
        plan_.shown.push_back({feature.name(), column, feature.type() != v1::STRING});
      } else {
        NoteVarying(feature, column);
      }
    }
    if (values.missing.size() == count) return absl::OkStatus();  // A whole column that is missing is left out.
    *(is_context ? plan_.request.add_context() : plan_.request.add_candidates()) =
        client::EncodeColumn(std::move(values));
    return absl::OkStatus();
  }

  void NoteVarying(const v1::Feature& feature, int column) {
    for (const RowSet::Row& row : input_.rows.rows) {
      if (!SameCell(row.cells[column], input_.rows.rows[0].cells[column])) {
        plan_.varying_context.push_back(feature.name());
        return;
      }
    }
  }

  static absl::Status Append(const v1::Feature& feature, const Cell& cell, uint32_t row, absl::string_view where,
                             Column& values) {
    if (cell.missing) {
      values.missing.push_back(row);
      if (feature.has_sequence()) {
        values.lengths.push_back(0);
      } else {
        AppendEmptyValue(values);
      }
      return absl::OkStatus();
    }
    std::vector<std::string> items = {cell.text};
    if (cell.is_list) {
      items = cell.items;
    } else if (feature.has_sequence()) {
      items = absl::StrSplit(cell.text, '|');
    }
    if (cell.is_list && !feature.has_sequence()) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": feature '", feature.name(), "': got an array of ",
                                                     items.size(), " values, expected one: it is no sequence"));
    }
    for (const std::string& item : items) {
      if (const char* expected = AppendValue(item, values); expected != nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat(where, ": feature '", feature.name(), "': got '", item, "', expected ", expected));
      }
    }
    if (feature.has_sequence()) values.lengths.push_back(static_cast<uint32_t>(items.size()));
    return absl::OkStatus();
  }

  const PredictInput& input_;
  const v1::Scene& scene_;
  PredictPlan plan_;
};

}  // namespace

absl::StatusOr<PredictPlan> PlanPrediction(const v1::ModelFile& model, const PredictInput& input) {
  absl::StatusOr<std::string> name = input.scene;
  if (name->empty()) name = SceneOfRows(model, input.rows);
  if (!name.ok()) return name.status();
  const absl::StatusOr<const v1::Scene*> scene = FindScene(model, *name);
  if (!scene.ok()) return scene.status();
  for (const std::string& task : input.tasks) {
    const auto& tasks = (*scene)->tasks();
    if (std::find(tasks.begin(), tasks.end(), task) == tasks.end()) {
      return absl::InvalidArgumentError(absl::StrCat("task '", task, "' is not in scene '", (*scene)->name(),
                                                     "', expected some of ", absl::StrJoin(tasks, ", ")));
    }
  }
  return Planner(input, **scene).Plan(model);
}

}  // namespace polyscene::cli
