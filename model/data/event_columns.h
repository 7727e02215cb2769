// Which column of a file holds what: a header read against the model file.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/data/columns.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

// A feature that the file has, or another one that is read with it. Fields of a row are numbered from 0; -1 is a column
// that the file does not have.
struct FeatureColumn {
  std::string name;    // The feature's.
  std::string column;  // The file's.
  int field = -1;
  ValueType type = ValueType::kInt64;
  bool required = false;
  bool sequence = false;
};

// A task whose labels the file has, or another one that is read with it.
struct TaskColumns {
  std::string name;
  std::vector<int> fields;  // One an output.
};

// What is read from the rows of one scene.
struct SceneColumns {
  std::string scene;
  std::vector<FeatureColumn> features;
  std::vector<TaskColumns> tasks;
};

struct EventColumns {
  std::vector<SceneColumns> scenes;  // In the model file's order.
  int scene_field = -1;              // -1: every row is of the only scene, or of the one that is given.
  int event_time_field = -1;
  int label_time_field = -1;
  int request_id_field = -1;
  int weight_field = -1;
  int other_time_field = -1;  // Set by who reads with EventReaderOptions::other_time_column.
  std::vector<std::string> header;

  // scene: of all rows, where the header has no column of it; empty: not given. features_only: what the header has of
  // labels, times and weights is left aside, and may be absent.
  // kInvalidArgument: `header` does not have what every file of this model must have. All that is missing is listed,
  // with what was found. Columns that the model file does not know are fine.
  static absl::StatusOr<EventColumns> Find(const v1::ModelFile& model, absl::Span<const std::string> header,
                                           absl::string_view scene = "", bool features_only = false);

  // Gives all of them the same features and tasks in each scene, in the same order: those that any of them has.
  static void Align(const v1::ModelFile& model, absl::Span<EventColumns> files);
};

ValueType ToValueType(v1::ValueType type);

// The features that exist in `scene`, in the model file's order.
std::vector<const v1::Feature*> FeaturesOfScene(const v1::ModelFile& model, const v1::Scene& scene);

// Where a feature, a task's labels (one column an output) and the scene stand in data files.
const std::string& ColumnOf(const v1::Feature& feature);
std::vector<std::string> LabelColumns(const v1::Task& task);
std::string SceneColumnOf(const v1::ModelFile& model);

}  // namespace polyscene
