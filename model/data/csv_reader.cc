#include "model/data/csv_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace polyscene {
namespace {

constexpr size_t kBufferBytes = 256 << 10;
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool Holds(const char* begin, size_t size, char wanted) { return std::memchr(begin, wanted, size) != nullptr; }

}  // namespace

CsvReader::CsvReader(std::string path, std::unique_ptr<ByteSource> source, CsvOptions options)
    : path_(std::move(path)), options_(options), source_(std::move(source)), buffer_(kBufferBytes) {}

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::Open(const std::string& path, CsvOptions options) {
  return FromSource(path == "-" ? "standard input" : path, ByteSource::Open(path), options);
}

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::FromText(const std::string& name, absl::string_view text,
                                                               CsvOptions options) {
  return FromSource(name, ByteSource::FromBytes(name, text), options);
}

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::FromSource(std::string path,
                                                                 absl::StatusOr<std::unique_ptr<ByteSource>> source,
                                                                 CsvOptions options) {
  if (!source.ok()) return source.status();
  std::unique_ptr<CsvReader> reader(new CsvReader(std::move(path), *std::move(source), options));
  if (absl::Status status = reader->ReadHeader(); !status.ok()) return status;
  return reader;
}

absl::Status CsvReader::ReadHeader() {
  while (end_ < kByteOrderMark.size() && ReadMore()) {
  }
  if (absl::string_view(buffer_.data(), end_).substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    begin_ = kByteOrderMark.size();
  }
  const Outcome outcome = ReadRow();
  if (outcome == Outcome::kEnd && !status_.ok()) return status_;
  if (outcome == Outcome::kEnd) {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": the file is empty, expected a header line"));
  }
  if (outcome == Outcome::kBadLine) {
    return absl::InvalidArgumentError(absl::StrCat(path_, ":1: the header line cannot be read: ", message_));
  }
  absl::flat_hash_set<absl::string_view> seen;
  std::vector<std::string> twice;
  for (const absl::string_view field : fields_) {
    header_.emplace_back(field);
    // Spreadsheets pad their rows with nameless columns; nothing can ask for one.
    if (!field.empty() && !seen.insert(field).second) twice.push_back(absl::StrCat("'", field, "'"));
  }
  if (!twice.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ":1: the header has more than one column ", absl::StrJoin(twice, ", ")));
  }
  if (seen.empty()) return absl::InvalidArgumentError(absl::StrCat(path_, ":1: the header line names no column"));
  return absl::OkStatus();
}

int CsvReader::Find(absl::string_view column) const {
  for (size_t c = 0; c < header_.size(); ++c) {
    if (header_[c] == column) return static_cast<int>(c);
  }
  return -1;
}

CsvReader::Outcome CsvReader::Next() {
  for (;;) {
    const Outcome outcome = ReadRow();
    if (outcome != Outcome::kRow || fields_.size() == header_.size()) return outcome;
    if (fields_.size() == 1 && fields_[0].empty()) continue;  // A blank line.
    return BadFieldCount(fields_.size());
  }
}

CsvReader::Outcome CsvReader::ReadRow() {
  const std::optional<size_t> line_end = FindLineEnd(0);
  line_ = next_line_;
  if (!line_end.has_value()) {
    SkipLongLine();
    return Bad("too_long", absl::StrCat("is longer than ", options_.max_row_bytes, " bytes"));
  }
  if (AtEnd(*line_end) && (*line_end == 0 || !source_status_.ok())) return End();

  char* const begin = buffer_.data() + begin_;
  if (Holds(begin, *line_end, '\0')) {
    Consume(*line_end);
    return Bad("binary", "holds a NUL byte: not a line of text");
  }
  if (!Holds(begin, *line_end, '"')) {
    SplitPlain(begin, begin + *line_end);
    Consume(*line_end);
    return Outcome::kRow;
  }

  std::string why;
  size_t fields = 0;
  const std::optional<size_t> row_end = FindQuotedRowEnd(*line_end, fields, why);
  if (source_ended_ && !source_status_.ok() && (!row_end.has_value() || AtEnd(*row_end))) return End();
  char* const row = buffer_.data() + begin_;  // Reading on may have moved it.
  if (row_end.has_value() && Holds(row, *row_end, '\0')) why = "a quoted field holds a NUL byte";
  if (!why.empty()) {
    Consume(*line_end);
    return Bad("broken_quotes", std::move(why));
  }
  // Before anything is changed in place: a stray quote may have joined good lines to this one, and they are read again.
  if (!header_.empty() && fields != header_.size()) {
    Consume(*line_end);
    return BadFieldCount(fields);
  }
  next_line_ += std::count(row, row + *row_end, '\n');
  SplitQuoted(row, row + *row_end);
  Consume(*row_end);
  return Outcome::kRow;
}

std::optional<size_t> CsvReader::FindLineEnd(size_t from) {
  for (;;) {
    const char* const begin = buffer_.data() + begin_;
    const size_t size = end_ - begin_;
    const void* const found = from < size ? std::memchr(begin + from, '\n', size - from) : nullptr;
    const size_t at = found == nullptr ? size : static_cast<size_t>(static_cast<const char*>(found) - begin);
    if (at > options_.max_row_bytes) return std::nullopt;
    if (found != nullptr || !ReadMore()) return at;
    from = size;
  }
}

std::optional<size_t> CsvReader::FindQuotedRowEnd(size_t line_end, size_t& fields, std::string& why) {
  size_t at = 0;
  const auto text = [&](size_t offset) { return buffer_[begin_ + offset]; };
  const auto ends = [&] { return at == line_end || (at + 1 == line_end && text(at) == '\r'); };
  for (fields = 1;; ++fields) {
    if (at < line_end && text(at) == '"') {
      ++at;
      for (;;) {  // To the closing quote.
        while (at < line_end && text(at) != '"') ++at;
        if (at < line_end) {
          ++at;
          if (at == line_end || text(at) != '"') break;
          ++at;  // A doubled quote stands for one.
          continue;
        }
        const std::optional<size_t> next = AtEnd(line_end) ? std::nullopt : FindLineEnd(line_end + 1);
        if (!next.has_value()) {
          why = "a quoted field is not closed";
          return std::nullopt;
        }
        at = line_end + 1;
        line_end = *next;
      }
      if (ends()) return line_end;
      if (text(at) != ',') {
        why = "a quoted field goes on behind its closing quote";
        return std::nullopt;
      }
    } else {
      while (at < line_end && text(at) != ',' && text(at) != '"') ++at;
      if (at == line_end) return line_end;
      if (text(at) == '"') {
        why = "a quote within a field that does not begin with one";
        return std::nullopt;
      }
    }
    ++at;  // The comma.
  }
}

void CsvReader::SplitPlain(char* begin, const char* end) {
  fields_.clear();
  if (end > begin && end[-1] == '\r') --end;
  // Fields are short, so a loop beats a memchr for each.
  const char* field = begin;
  for (const char* at = begin; at < end; ++at) {
    if (*at != ',') continue;
    fields_.emplace_back(field, static_cast<size_t>(at - field));
    field = at + 1;
  }
  fields_.emplace_back(field, static_cast<size_t>(end - field));
}

void CsvReader::SplitQuoted(char* begin, const char* end) {
  fields_.clear();
  if (end > begin && end[-1] == '\r') --end;
  char* at = begin;
  for (;;) {
    char* const field = at;
    char* to = at;
    if (at < end && *at == '"') {
      for (++at; *at != '"' || (at + 1 < end && at[1] == '"'); ++at) {
        if (*at == '"') ++at;
        *to++ = *at;
      }
      ++at;
    } else {
      while (at < end && *at != ',') ++at;
      to = at;
    }
    fields_.emplace_back(field, static_cast<size_t>(to - field));
    if (at >= end) return;
    ++at;  // The comma.
  }
}

bool CsvReader::ReadMore() {
  if (source_ended_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
  const absl::StatusOr<size_t> got = source_->Read(buffer_.data() + end_, buffer_.size() - end_);
  if (!got.ok()) source_status_ = got.status();
  source_ended_ = !got.ok() || *got == 0;
  if (got.ok()) end_ += *got;
  return !source_ended_;
}

void CsvReader::SkipLongLine() {
  for (;;) {
    const void* const found = std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
    if (found != nullptr) {
      Consume(static_cast<size_t>(static_cast<const char*>(found) - (buffer_.data() + begin_)));
      return;
    }
    begin_ = end_ = 0;
    if (!ReadMore()) return;
  }
}

void CsvReader::Consume(size_t line_end) {
  begin_ += line_end;
  if (begin_ < end_) ++begin_;  // The line break.
  ++next_line_;
}

CsvReader::Outcome CsvReader::Bad(absl::string_view problem, std::string message) {
  problem_ = problem;
  message_ = std::move(message);
  return Outcome::kBadLine;
}

CsvReader::Outcome CsvReader::BadFieldCount(size_t fields) {
  return Bad("field_count", absl::StrCat("has ", fields, fields == 1 ? " field" : " fields", ", expected ",
                                         header_.size(), " as the header has"));
}

CsvReader::Outcome CsvReader::End() {
  if (!source_status_.ok()) {
    status_ = absl::Status(source_status_.code(), absl::StrCat(source_status_.message(), "; reading stopped in line ",
                                                               next_line_, ", every line before it was read"));
  }
  return Outcome::kEnd;
}

}  // namespace polyscene
