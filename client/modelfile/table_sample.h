// The first rows of a CSV file, held in memory to be looked at from all sides.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyscene {

struct SampleOptions {
  int64_t rows = 200'000;
  int64_t bytes = int64_t{128} << 20;  // Of text and its index: a very wide file gives fewer rows.
};

// Immutable once read, so any thread may look at it.
class TableSample {
 public:
  // Reads header and rows ("-": standard input). Lines that cannot be read are counted and skipped.
  //   CsvReader::Open's errors
  //   kInvalidArgument  no row can be read, or the header is one column that seems to hold several (';', tabs)
  //   kDataLoss, kUnavailable  the file cannot be read on within the sample
  static absl::StatusOr<TableSample> Read(const std::string& path, const SampleOptions& options);

  const std::string& path() const { return path_; }
  const std::vector<std::string>& header() const { return header_; }
  int columns() const { return static_cast<int>(header_.size()); }
  int64_t rows() const { return rows_; }
  absl::string_view Field(int64_t row, int column) const;

  bool whole_file() const { return whole_file_; }
  double file_rows() const { return file_rows_; }  // rows() of a whole file; else estimated from the bytes read.
  int64_t bad_lines() const { return bad_lines_; }
  const std::string& first_bad_line() const { return first_bad_line_; }  // "line 7 has 3 fields, ...".

 private:
  TableSample() = default;

  std::string path_;
  std::vector<std::string> header_;
  int64_t rows_ = 0;
  bool whole_file_ = false;
  double file_rows_ = 0;
  int64_t bad_lines_ = 0;
  std::string first_bad_line_;
  std::string text_;            // All fields, one after the other.
  std::vector<uint32_t> ends_;  // [rows, columns] where each ends in it.
};

}  // namespace polyscene
