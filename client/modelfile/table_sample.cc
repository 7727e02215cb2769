#include "client/modelfile/table_sample.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "model/data/csv_reader.h"

namespace polyscene {
namespace {

// A file of another separator reads as one column whose name holds all of them.
absl::Status CheckSeparator(const std::string& path, const std::vector<std::string>& header) {
  if (header.size() > 1) return absl::OkStatus();
  for (const auto& [separator, name] : {std::pair<char, const char*>{';', "';'"}, {'\t', "tabs"}, {'|', "'|'"}}) {
    if (header[0].find(separator) == std::string::npos) continue;
    return absl::InvalidArgumentError(absl::StrCat(path, ":1: the header is one column, '", header[0],
                                                   "': the file seems to be separated by ", name, ", expected commas"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TableSample> TableSample::Read(const std::string& path, const SampleOptions& options) {
  absl::StatusOr<std::unique_ptr<CsvReader>> opened = CsvReader::Open(path);
  if (!opened.ok()) return opened.status();
  CsvReader& csv = **opened;
  if (absl::Status status = CheckSeparator(csv.path(), csv.header()); !status.ok()) return status;

  TableSample sample;
  sample.path_ = csv.path();
  sample.header_ = csv.header();
  const auto bytes_used = [&] {
    return static_cast<int64_t>(sample.text_.size() + sample.ends_.size() * sizeof(sample.ends_[0]));
  };
  for (;;) {
    if (sample.rows_ >= options.rows || bytes_used() >= options.bytes) break;
    const CsvReader::Outcome outcome = csv.Next();
    if (outcome == CsvReader::Outcome::kEnd) {
      if (!csv.status().ok()) return csv.status();
      sample.whole_file_ = true;
      break;
    }
    if (outcome == CsvReader::Outcome::kBadLine) {
      if (sample.bad_lines_++ == 0) sample.first_bad_line_ = absl::StrCat("line ", csv.line(), " ", csv.message());
      // A file that is no text at all must not be searched to its end for a row.
      if (sample.rows_ == 0 && sample.bad_lines_ >= options.rows) break;
      continue;
    }
    for (const absl::string_view field : csv.fields()) {
      sample.text_.append(field.data(), field.size());
      sample.ends_.push_back(static_cast<uint32_t>(sample.text_.size()));
    }
    ++sample.rows_;
  }
  if (sample.rows_ == 0) {
    return absl::InvalidArgumentError(absl::StrCat(sample.path_, ": ",
                                                   sample.bad_lines_ == 0
                                                       ? std::string("has a header and no rows")
                                                       : absl::StrCat("no row can be read: ", sample.first_bad_line_),
                                                   "; expected at least one row to guess from"));
  }
  sample.file_rows_ = static_cast<double>(sample.rows_);
  if (!sample.whole_file_ && csv.file_bytes() > 0) {
    const double share = static_cast<double>(csv.file_bytes_read()) / static_cast<double>(csv.file_bytes());
    sample.file_rows_ /= std::clamp(share, 1e-6, 1.0);
  }
  return sample;
}

absl::string_view TableSample::Field(int64_t row, int column) const {
  const size_t index = static_cast<size_t>(row) * header_.size() + static_cast<size_t>(column);
  const uint32_t begin = index == 0 ? 0 : ends_[index - 1];
  return absl::string_view(text_.data() + begin, ends_[index] - begin);
}

}  // namespace polyscene
