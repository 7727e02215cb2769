// What each column of a table is for: a feature, a label, the scene, a time, or nothing that a model should see.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/modelfile/column_profile.h"
#include "client/modelfile/table_sample.h"

namespace polyscene {

enum class Role { kFeature, kLabel, kScene, kEventTime, kLabelTime, kRequestId, kWeight, kLeftOut };

// "feature", "label", "scene", ...
absl::string_view RoleName(Role role);

// What the user said, which no guess overrides. Columns by name.
struct Wishes {
  std::string scene_column;
  std::string time_column;
  std::string request_column;
  std::vector<std::string> labels;
  std::vector<std::string> ignored;
  std::vector<std::string> candidates;
  std::vector<std::string> contexts;
};

struct ColumnGuess {
  Role role = Role::kFeature;
  std::string reason;
  bool wished = false;     // The user wants it as a feature, whatever it looks like.
  bool candidate = false;  // Of a feature: its side, and why.
  std::string side_reason;
  bool personal = false;
  double tells_alone =
      0;  // How well it predicts a label by itself: the best R2 or 2 x AUC - 1 over the labels; 0: unknown.
  std::string tells_what;  // "'y_cancel' with AUC 0.72".
};

// Something that only the user can know, and what to write instead if the guess was wrong.
struct Doubt {
  enum class Place { kNowhere, kFeatures, kTask, kScenes, kFiles };
  std::string what;
  Place place = Place::kNowhere;     // Which lines of the model file it is about:
  std::vector<int> columns;          // of these columns' features, or of the task with this (first) column.
  std::vector<std::string> instead;  // Lines to write there; none: see `what`.
};

struct TableGuess {
  std::vector<ColumnProfile> profiles;  // [columns]
  std::vector<ColumnGuess> columns;     // [columns]
  std::vector<Doubt> doubts;

  bool sure_labels = false;  // The labels' names said so, or the user did.

  int Find(Role role) const;              // The first column of that role; -1: none.
  std::vector<int> All(Role role) const;  // In the file's order.
};

// kInvalidArgument: a wish cannot be granted, or no column is left to be a label or a feature; names the columns.
absl::StatusOr<TableGuess> GuessRoles(const TableSample& sample, const Wishes& wishes);

// ---- its parts, each on what the ones before left as plain features ----

// Turns columns into labels (none, if none can be one).
void GuessLabels(TableGuess& guess);

// Measures how well each feature predicts each label alone, and leaves out those that almost are the label: known only
// when it is.
void LeaveOutLeaks(const TableSample& sample, TableGuess& guess);

// Says of each feature whether it describes the request or a candidate.
void GuessSides(const TableSample& sample, const Wishes& wishes, TableGuess& guess);

}  // namespace polyscene
