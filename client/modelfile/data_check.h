// Whether a file of events fits a model file, and which of its rows a server would refuse.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/report/figure_json.h"
#include "model/spec/model_spec.h"

namespace polyscene {

struct Refusals {
  int64_t rows = 0;
  int64_t first_line = 0;
  std::string first_message;
};

struct DataCheck {
  std::vector<std::string> found;   // Columns of features and labels that the file has.
  std::vector<std::string> absent;  // "feature 'price' (column 'Price')": what it may lack, and does.
  std::vector<std::string> unused;  // Columns that the model file does not ask for.
  int64_t rows_read = 0;            // Refused ones included.
  bool whole_file = false;
  std::map<std::string, Refusals> refused;   // By reason.
  std::vector<int64_t> scene_rows;           // [scenes] good rows.
  std::vector<std::vector<int64_t>> labels;  // [scenes][tasks] of those, with a label.

  int64_t rows_refused() const;
};

// Reads the header and up to `rows` rows the way `polyscene stream` and the server would.
//   EventReader::Open's errors  the file cannot be opened, or its header does not have what the model needs
//   kDataLoss, kUnavailable     it cannot be read on
absl::StatusOr<DataCheck> CheckData(const ModelSpec& spec, const std::string& path, int64_t rows);

std::string DataText(const ModelSpec& spec, const DataCheck& check, const std::string& path);
Json DataJson(const ModelSpec& spec, const DataCheck& check, const std::string& path);

}  // namespace polyscene
