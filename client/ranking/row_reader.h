// Rows to be scored, from CSV or JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyscene::cli {

// One value as text, whatever it is in the file: the model file says what it is meant to be.
struct Cell {
  bool missing = true;             // An empty field, null, or a name that this row does not have.
  bool is_list = false;            // A JSON array.
  std::string text;                // Of what is no list.
  std::vector<std::string> items;  // Of a list.
};

struct RowSet {
  std::string source;              // For messages.
  std::vector<std::string> names;  // As they first appear.
  struct Row {
    int64_t line = 0;         // Of the file; of a JSON array: the element, from 1.
    std::vector<Cell> cells;  // One a name.
  };
  std::vector<Row> rows;

  int Find(absl::string_view name) const;  // -1 if there is none.
};

// Reads CSV with a header line, a JSON array of objects, or JSON lines of objects. What begins with '[' or '{' is JSON.
// "-" is standard input, gzip is inflated.
//   kInvalidArgument  names the line and what is wrong with it; a broken line is not passed over: answers would shift
//   else              CsvReader::Open's errors
absl::StatusOr<RowSet> ReadRows(const std::string& path);

// The same from text; `source` names it in messages.
absl::StatusOr<RowSet> ParseRows(const std::string& source, absl::string_view text);

}  // namespace polyscene::cli
