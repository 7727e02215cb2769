#include "client/feed/rejected_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "model/data/csv_reader.h"
#include "nlohmann/json.hpp"

namespace polyscene::cli {
namespace {

constexpr absl::string_view kOwnColumns[] = {"rejected_file", "rejected_line", "rejected_reason", "rejected_message"};

bool IsOwn(absl::string_view column) {
  return std::find(std::begin(kOwnColumns), std::end(kOwnColumns), column) != std::end(kOwnColumns);
}

std::string Quoted(absl::string_view field) {
  return absl::StrCat("\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
}

std::string CsvField(absl::string_view field) {
  return field.find_first_of(",\"\r\n") == absl::string_view::npos ? std::string(field) : Quoted(field);
}

std::string JsonText(absl::string_view text) {
  // What is no UTF-8 is replaced: it cannot be written, and was refused for it.
  return nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RejectedFile>> RejectedFile::Create(const std::string& path,
                                                                   std::vector<RejectedSource> sources) {
  if (access(path.c_str(), F_OK) == 0) {
    return absl::AlreadyExistsError(
        absl::StrCat("'", path, "' is there already and may hold rows to be mended; expected a new file"));
  }
  std::unique_ptr<RejectedFile> file(new RejectedFile(path, std::move(sources)));
  errno = 0;
  file->out_.open(file->partial(), std::ios::binary | std::ios::trunc);
  if (!file->out_) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write '", file->partial(), "'"));
  file->half_written_.emplace(file->partial());
  if (!file->json_lines_) {
    file->out_ << absl::StrJoin(kOwnColumns, ",");
    for (const std::string& column : file->columns_) file->out_ << "," << CsvField(column);
    file->out_ << "\n";
  }
  return file;
}

RejectedFile::RejectedFile(std::string path, std::vector<RejectedSource> sources)
    : path_(std::move(path)), sources_(std::move(sources)) {
  for (const RejectedSource& source : sources_) {
    json_lines_ = json_lines_ || source.json_lines;
    same_header_ = same_header_ && source.header == sources_[0].header;
    for (const std::string& column : source.header) {
      if (IsOwn(column)) same_header_ = false;
    }
  }
  if (same_header_) columns_ = sources_[0].header;
  for (const RejectedSource& source : sources_) {
    for (const std::string& column : source.header) {
      if (same_header_ || column.empty() || IsOwn(column)) continue;
      if (index_.try_emplace(column, columns_.size()).second) columns_.push_back(column);
    }
  }
}

RejectedFile::~RejectedFile() {
  if (closed_ || !half_written_.has_value()) return;
  out_.close();
  std::remove(partial().c_str());
}

void RejectedFile::Add(const RefusedRow& row) {
  ++rows_;
  if (json_lines_) {
    AddJson(row);
  } else {
    AddCsv(row);
  }
}

void RejectedFile::AddCsv(const RefusedRow& row) {
  out_ << CsvField(sources_[row.source].name) << "," << row.line << "," << row.reason << "," << CsvField(row.message);
  if (!row.is_row) {
    out_ << "," << Quoted(row.text);
    // One field must not pass for a row of one column.
    if (columns_.size() == 1) out_ << ",";
  } else if (same_header_) {
    out_ << "," << row.text;
  } else {
    std::string text(row.text);
    std::vector<absl::string_view> fields;
    CsvReader::Split(text, fields);
    std::vector<absl::string_view> placed(columns_.size());
    const std::vector<std::string>& header = sources_[row.source].header;
    for (size_t c = 0; c < header.size() && c < fields.size(); ++c) {
      const auto column = index_.find(header[c]);
      if (column != index_.end()) placed[column->second] = fields[c];
    }
    for (const absl::string_view field : placed) out_ << "," << CsvField(field);
  }
  out_ << "\n";
}

void RejectedFile::AddJson(const RefusedRow& row) {
  const RejectedSource& source = sources_[row.source];
  std::string members;
  if (!row.is_row) {
    members = absl::StrCat("\"rejected_text\": ", JsonText(row.text));
  } else if (source.json_lines) {
    // What stands between the object's braces, as it was: keys that no model knows too. The last of two keys of one
    // name counts, so ours go behind it.
    const absl::string_view object = absl::StripAsciiWhitespace(row.text);
    members = std::string(absl::StripAsciiWhitespace(object.substr(1, object.size() - 2)));
  } else {
    std::string text(row.text);
    std::vector<absl::string_view> fields;
    CsvReader::Split(text, fields);
    for (size_t c = 0; c < source.header.size() && c < fields.size(); ++c) {
      if (fields[c].empty() || source.header[c].empty() || IsOwn(source.header[c])) continue;
      absl::StrAppend(&members, members.empty() ? "" : ", ", JsonText(source.header[c]), ": ", JsonText(fields[c]));
    }
  }
  out_ << "{" << members << (members.empty() ? "" : ", ") << "\"rejected_file\": " << JsonText(source.name)
       << ", \"rejected_line\": " << row.line << ", \"rejected_reason\": " << JsonText(row.reason)
       << ", \"rejected_message\": " << JsonText(row.message) << "}\n";
}

absl::Status RejectedFile::Close() {
  if (closed_) return absl::OkStatus();
  errno = 0;
  out_.close();
  const int error = errno == 0 ? EIO : errno;
  if (!out_) return absl::ErrnoToStatus(error, absl::StrCat("writing '", partial(), "'"));
  if (rows_ == 0) {
    std::remove(partial().c_str());
  } else if (std::rename(partial().c_str(), path_.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("renaming '", partial(), "' to '", path_, "'"));
  }
  closed_ = true;
  half_written_.reset();
  return absl::OkStatus();
}

}  // namespace polyscene::cli
