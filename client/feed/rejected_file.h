// Rows that were refused, in a file that can be mended and streamed again.
#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/report/interrupt.h"

namespace polyscene::cli {

// A file that rows come from.
struct RejectedSource {
  std::string name;
  bool json_lines = false;
  std::vector<std::string> header;  // Of CSV.
};

struct RefusedRow {
  size_t source = 0;  // Its number.
  int64_t line = 0;
  absl::string_view reason;
  absl::string_view message;
  absl::string_view text;  // As its file has it; empty: not kept, as it was too long.
  bool is_row = true;      // It could be read, but was refused; else it could not even be read.
};

// Writes refused rows in the format of their files, with four columns or keys more: rejected_file, rejected_line,
// rejected_reason, rejected_message. No model knows these, so the file can be streamed as it is once the rest of its
// rows is mended. In CSV they come first, and behind them the columns of all files, each once; in JSON lines (where any
// source is that; rows of CSV then become objects of texts) they come last.
//   What could not be read stands whole in one quoted field, or as "rejected_text": left like that it is refused again.
//   What is streamed again and refused again has the four of its latest refusal only.
//
// Not thread-safe.
class RejectedFile {
 public:
  // Writes to "PATH.partial" until Close().
  //   kAlreadyExists  `path` is there: it may hold rows that nobody has mended yet
  //   kUnavailable, ...  it cannot be written; the system's reason
  static absl::StatusOr<std::unique_ptr<RejectedFile>> Create(const std::string& path,
                                                              std::vector<RejectedSource> sources);
  ~RejectedFile();  // Removes what was not closed.
  RejectedFile(const RejectedFile&) = delete;
  RejectedFile& operator=(const RejectedFile&) = delete;

  void Add(const RefusedRow& row);

  // Gives the file its name; without a row there is none. kUnavailable: the disk refused, now or before.
  absl::Status Close();

  int64_t rows() const { return rows_; }

 private:
  RejectedFile(std::string path, std::vector<RejectedSource> sources);

  std::string partial() const { return path_ + ".partial"; }
  void AddCsv(const RefusedRow& row);
  void AddJson(const RefusedRow& row);

  const std::string path_;
  const std::vector<RejectedSource> sources_;
  bool json_lines_ = false;
  bool same_header_ = true;                         // All sources have columns_ as their header.
  std::vector<std::string> columns_;                // Of the rows, without the four.
  absl::flat_hash_map<std::string, size_t> index_;  // Within columns_.
  std::ofstream out_;
  std::optional<HalfWritten> half_written_;
  bool closed_ = false;
  int64_t rows_ = 0;
};

}  // namespace polyscene::cli
