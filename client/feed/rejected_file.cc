#include "client/feed/rejected_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
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

// Whether rows of this file begin with the four: it holds rows that were refused before.
bool IsRejectedFile(const RejectedSource& source) {
  return source.header.size() > std::size(kOwnColumns) &&
         std::equal(std::begin(kOwnColumns), std::end(kOwnColumns), source.header.begin());
}

// What follows the first `count` fields of a row of CSV; all of it where it has not that many.
absl::string_view AfterFields(absl::string_view text, size_t count) {
  bool quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (text[at] == ',' && !quoted && --count == 0) return text.substr(at + 1);
  }
  return text;
}

// A line that could not be read, as it was before it was refused for the first time: without the four in front of it,
// and out of the one field that Add() put it into.
std::string UnreadableText(const RejectedSource& source, absl::string_view text) {
  if (!IsRejectedFile(source)) return std::string(text);
  const absl::string_view rest = AfterFields(text, std::size(kOwnColumns));
  std::string copy(rest);
  std::vector<absl::string_view> fields;
  if (!rest.empty() && rest.front() == '"' && std::count(rest.begin(), rest.end(), '"') % 2 == 0) {
    CsvReader::Split(copy, fields);
    if (fields.size() == 1 || (fields.size() == 2 && fields[1].empty())) return std::string(fields[0]);
  }
  return std::string(rest);
}

// The members of an object without the four that an earlier refusal put behind them.
absl::string_view WithoutOwnMembers(absl::string_view members) {
  const std::string first = absl::StrCat("\"", kOwnColumns[0], "\": \"");  // Within a text its quotes would be escaped.
  const size_t at = members.rfind(first);
  if (at == absl::string_view::npos) return members;
  const nlohmann::json own = nlohmann::json::parse(absl::StrCat("{", members.substr(at), "}"), nullptr, false);
  if (own.is_discarded() || own.size() != std::size(kOwnColumns)) return members;
  for (const absl::string_view key : kOwnColumns) {
    if (!own.contains(std::string(key))) return members;
  }
  const absl::string_view before = absl::StripTrailingAsciiWhitespace(members.substr(0, at));
  return absl::StripTrailingAsciiWhitespace(absl::StripSuffix(before, ","));
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
    out_ << "," << Quoted(UnreadableText(sources_[row.source], row.text));
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
    members = absl::StrCat("\"rejected_text\": ", JsonText(UnreadableText(source, row.text)));
  } else if (source.json_lines) {
    // What stands between the object's braces, as it was: keys that no model knows too. The last of two keys of one
    // name counts, so ours go behind it.
    const absl::string_view object = absl::StripAsciiWhitespace(row.text);
    members = std::string(WithoutOwnMembers(absl::StripAsciiWhitespace(object.substr(1, object.size() - 2))));
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
