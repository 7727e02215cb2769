// Which key of a JSON object fills which column: the model file read as a header.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

struct JsonKey {
  std::vector<int> columns;  // One; of a forecast: one an element of its array.
  bool forecast = false;
  bool sequence = false;  // An array may fill the one column.
};

// Every column that the model file names, and the keys that fill them: the columns' names, and the names of features
// and tasks; a key that names both fills the column.
struct JsonLayout {
  std::vector<std::string> header;
  absl::flat_hash_map<std::string, JsonKey> keys;

  // other_column: one more that is read, whatever the model file says of it; empty: none.
  static JsonLayout Of(const v1::ModelFile& model, const std::string& other_column = "");
};

}  // namespace polyscene
