// Rows of a file of JSON lines, one at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "model/data/json_layout.h"
#include "model/data/row_source.h"

namespace polyscene {

// Reads one JSON object a line, plain or gzip. A key that the layout does not have is passed over, whatever it holds; a
// key that is left out, null, and an empty string are missing values; true and false are 1 and 0. An array is a
// sequence's values or a forecast's, element by element. Blank lines are skipped.
//
// problem() of a bad line: broken_json (also what is no object), wrong_type (an object or an array where neither fits),
// repeated_key (two keys for one column), no_columns (no key of the layout), binary (a NUL in a text), too_long.
class JsonLinesReader final : public RowSource {
 public:
  JsonLinesReader(std::unique_ptr<LineBuffer> lines, JsonLayout layout, RowOptions options);
  ~JsonLinesReader() override;

  Outcome Next() override;
  bool has_header() const override { return false; }
  bool HasColumn(int column) const override { return last_row_[column] > 0; }  // A key with null counts.

 private:
  class Handler;

  Outcome SkipLongLine();
  Outcome ReadObject(const char* begin, size_t size);

  const JsonLayout layout_;
  bool skipping_ = false;  // Within a line that is too long.

  // The row being read.
  struct Extent {
    size_t begin = 0;
    size_t size = 0;
  };
  int64_t row_ = 0;                // Counts objects.
  std::vector<int64_t> last_row_;  // [columns] The last that had it.
  std::vector<Extent> extents_;    // [columns] Within values_, where the row has it.
  std::string values_;             // One text after the other.
};

}  // namespace polyscene
