#include "client/ranking/row_stream.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "model/data/byte_source.h"

namespace polyscene::cli {
namespace {

// Whether the file begins as JSON does.
absl::StatusOr<bool> LooksLikeJson(const std::string& path) {
  const absl::StatusOr<std::unique_ptr<ByteSource>> source = ByteSource::Open(path);
  if (!source.ok()) return source.status();
  char buffer[4096];
  const absl::StatusOr<size_t> got = (*source)->Read(buffer, sizeof buffer);
  if (!got.ok()) return got.status();
  const absl::string_view start = absl::StripLeadingAsciiWhitespace(absl::string_view(buffer, *got));
  return !start.empty() && (start[0] == '[' || start[0] == '{');
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowStream>> RowStream::Open(const std::string& path) {
  auto stream = std::make_unique<RowStream>();
  const absl::StatusOr<bool> whole = path == "-" ? true : LooksLikeJson(path);  // A pipe is read once.
  if (!whole.ok()) return whole.status();
  if (*whole) {
    absl::StatusOr<RowSet> rows = ReadRows(path);
    if (!rows.ok()) return rows.status();
    stream->rows_ = *std::move(rows);
    return stream;
  }
  absl::StatusOr<std::unique_ptr<CsvReader>> csv = CsvReader::Open(path);
  if (!csv.ok()) return csv.status();
  stream->csv_ = *std::move(csv);
  stream->rows_.source = path;
  stream->rows_.names = stream->csv_->header();
  return stream;
}

absl::StatusOr<bool> RowStream::Next(RowSet::Row* row) {
  if (csv_ == nullptr) {
    if (next_ == rows_.rows.size()) return false;
    *row = std::move(rows_.rows[next_++]);
    return true;
  }
  switch (csv_->Next()) {
    case CsvReader::Outcome::kEnd:
      if (!csv_->status().ok()) return csv_->status();
      return false;
    case CsvReader::Outcome::kBadLine:
      return absl::InvalidArgumentError(absl::StrCat(source(), ": line ", csv_->line(), ": ", csv_->message()));
    case CsvReader::Outcome::kIdle:  // Nothing set a deadline.
    case CsvReader::Outcome::kRow:
      break;
  }
  row->line = csv_->line();
  row->cells.clear();
  for (const absl::string_view field : csv_->fields()) {
    row->cells.push_back({.missing = field.empty(), .text = std::string(field)});
  }
  return true;
}

}  // namespace polyscene::cli
