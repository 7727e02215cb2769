// Rows of a CSV file, one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/data/row_source.h"

namespace polyscene {

// Reads CSV as RFC 4180 has it: fields separated by commas, optionally in double quotes, which then may hold commas,
// line breaks and doubled quotes. The first line is the header. Lines end with LF or CR LF; a byte order mark is
// skipped, and so are blank lines (unless the file has a single column, where one is an empty field). Plain or gzip, by
// the file's first bytes.
//
// problem() of a bad line: field_count, broken_quotes, binary, too_long.
class CsvReader final : public RowSource {
 public:
  // Opens the file ("-": standard input) and reads its header, waiting for it without end.
  //   ByteSource::Open's errors
  //   kInvalidArgument  the file is empty, its header cannot be read or names a column twice
  static absl::StatusOr<std::unique_ptr<CsvReader>> Open(const std::string& path, RowOptions options = {});

  // Reads text that is in memory already; `name` stands for the path in messages.
  static absl::StatusOr<std::unique_ptr<CsvReader>> FromText(const std::string& name, absl::string_view text,
                                                             RowOptions options = {});

  // Reads a file that was opened already.
  static absl::StatusOr<std::unique_ptr<CsvReader>> FromLines(absl::StatusOr<std::unique_ptr<LineBuffer>> lines,
                                                              RowOptions options);

  // Splits one row whose quotes are sound, as text() has it, into its fields; removes quotes from `row` in place.
  static void Split(std::string& row, std::vector<absl::string_view>& fields);

  Outcome Next() override;
  bool has_header() const override { return true; }
  bool HasColumn(int) const override { return true; }

 private:
  enum class RowEnd { kFound, kBroken, kIdle };

  using RowSource::RowSource;

  absl::Status ReadHeader();

  // Splits the next row into fields_ and moves behind it. A bad line is dropped alone: whatever it seemed to quote of
  // the lines below is read again.
  Outcome ReadRow();
  Outcome SkipLongLine();

  // Finds where the row ends whose first line ends at `line_end` (both from the row's start), and how many fields it
  // has; kBroken where its quotes are, and then `why` says how.
  RowEnd FindQuotedRowEnd(size_t line_end, size_t& row_end, size_t& fields, std::string& why);

  Outcome BadFieldCount(size_t fields);

  bool skipping_ = false;  // Within a line that is too long.
};

}  // namespace polyscene
