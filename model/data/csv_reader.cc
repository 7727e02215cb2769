#include "model/data/csv_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace polyscene {
namespace {

bool Holds(const char* begin, size_t size, char wanted) { return std::memchr(begin, wanted, size) != nullptr; }

// A row without quotes.
void SplitPlain(char* begin, const char* end, std::vector<absl::string_view>& fields) {
  fields.clear();
  if (end > begin && end[-1] == '\r') --end;
  // Fields are short, so a loop beats a memchr for each.
  const char* field = begin;
  for (const char* at = begin; at < end; ++at) {
    if (*at != ',') continue;
    fields.emplace_back(field, static_cast<size_t>(at - field));
    field = at + 1;
  }
  fields.emplace_back(field, static_cast<size_t>(end - field));
}

// A row whose quotes are sound; removes them in place.
void SplitQuoted(char* begin, const char* end, std::vector<absl::string_view>& fields) {
  fields.clear();
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
    fields.emplace_back(field, static_cast<size_t>(to - field));
    if (at >= end) return;
    ++at;  // The comma.
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::Open(const std::string& path, RowOptions options) {
  return FromLines(LineBuffer::Open(path, options.max_row_bytes), options);
}

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::FromText(const std::string& name, absl::string_view text,
                                                               RowOptions options) {
  return FromLines(LineBuffer::FromText(name, text, options.max_row_bytes), options);
}

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::FromLines(absl::StatusOr<std::unique_ptr<LineBuffer>> lines,
                                                                RowOptions options) {
  if (!lines.ok()) return lines.status();
  std::unique_ptr<CsvReader> reader(new CsvReader(*std::move(lines), options));
  if (absl::Status status = reader->ReadHeader(); !status.ok()) return status;
  return reader;
}

void CsvReader::Split(std::string& row, std::vector<absl::string_view>& fields) {
  if (Holds(row.data(), row.size(), '"')) {
    SplitQuoted(row.data(), row.data() + row.size(), fields);
  } else {
    SplitPlain(row.data(), row.data() + row.size(), fields);
  }
}

absl::Status CsvReader::ReadHeader() {
  const Outcome outcome = ReadRow();
  if (outcome == Outcome::kEnd && !status().ok()) return status();
  if (outcome == Outcome::kEnd) {
    return absl::InvalidArgumentError(absl::StrCat(path(), ": the file is empty, expected a header line"));
  }
  if (outcome == Outcome::kBadLine) {
    return absl::InvalidArgumentError(absl::StrCat(path(), ":1: the header line cannot be read: ", message()));
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
        absl::StrCat(path(), ":1: the header has more than one column ", absl::StrJoin(twice, ", "),
                     " (is the first line a header?)"));
  }
  if (seen.empty()) return absl::InvalidArgumentError(absl::StrCat(path(), ":1: the header line names no column"));
  return absl::OkStatus();
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
  if (skipping_) return SkipLongLine();
  line_ = lines_->line();
  size_t line_end = 0;
  switch (lines_->FindLineEnd(0, &line_end)) {
    case LineBuffer::Search::kIdle:
      return Outcome::kIdle;
    case LineBuffer::Search::kTooLong:
      return SkipLongLine();
    case LineBuffer::Search::kFound:
      break;
  }
  if (lines_->AtEnd(line_end) && (line_end == 0 || !lines_->source_status().ok())) return End();

  char* const begin = lines_->data();
  if (Holds(begin, line_end, '\0')) {
    KeepText(begin, line_end);
    lines_->Consume(line_end);
    return Bad("binary", "holds a NUL byte: not a line of text");
  }
  if (!Holds(begin, line_end, '"')) {
    KeepText(begin, line_end);
    SplitPlain(begin, begin + line_end, fields_);
    lines_->Consume(line_end);
    return Outcome::kRow;
  }

  std::string why;
  size_t fields = 0;
  size_t row_end = 0;
  const RowEnd end = FindQuotedRowEnd(line_end, row_end, fields, why);
  if (end == RowEnd::kIdle) return Outcome::kIdle;
  if (!lines_->source_status().ok() && (end == RowEnd::kBroken || lines_->AtEnd(row_end))) return End();
  char* const row = lines_->data();  // Reading on may have moved it.
  if (end == RowEnd::kFound && Holds(row, row_end, '\0')) why = "a quoted field holds a NUL byte";
  if (!why.empty()) {
    KeepText(row, line_end);
    lines_->Consume(line_end);
    return Bad("broken_quotes", std::move(why));
  }
  // Before anything is changed in place: a stray quote may have joined good lines to this one, and they are read again.
  if (!header_.empty() && fields != header_.size()) {
    KeepText(row, line_end);
    lines_->Consume(line_end);
    return BadFieldCount(fields);
  }
  KeepText(row, row_end);
  const int64_t lines = 1 + std::count(row, row + row_end, '\n');
  SplitQuoted(row, row + row_end, fields_);
  lines_->Consume(row_end, lines);
  return Outcome::kRow;
}

CsvReader::Outcome CsvReader::SkipLongLine() {
  KeepText("", 0);
  skipping_ = lines_->Skip() == LineBuffer::Search::kIdle;
  if (skipping_) return Outcome::kIdle;
  return Bad("too_long", absl::StrCat("is longer than ", options_.max_row_bytes, " bytes"));
}

CsvReader::RowEnd CsvReader::FindQuotedRowEnd(size_t line_end, size_t& row_end, size_t& fields, std::string& why) {
  size_t at = 0;
  const auto text = [&](size_t offset) { return lines_->data()[offset]; };
  const auto ends = [&] { return at == line_end || (at + 1 == line_end && text(at) == '\r'); };
  const auto broken = [&](const char* reason) {
    why = reason;
    return RowEnd::kBroken;
  };
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
        at = line_end + 1;
        if (lines_->AtEnd(line_end)) return broken("a quoted field is not closed");
        const LineBuffer::Search search = lines_->FindLineEnd(at, &line_end);
        if (search == LineBuffer::Search::kIdle) return RowEnd::kIdle;
        if (search == LineBuffer::Search::kTooLong) return broken("a quoted field is not closed");
      }
      row_end = line_end;
      if (ends()) return RowEnd::kFound;
      if (text(at) != ',') return broken("a quoted field goes on behind its closing quote");
    } else {
      while (at < line_end && text(at) != ',' && text(at) != '"') ++at;
      row_end = line_end;
      if (at == line_end) return RowEnd::kFound;
      if (text(at) == '"') return broken("a quote within a field that does not begin with one");
    }
    ++at;  // The comma.
  }
}

CsvReader::Outcome CsvReader::BadFieldCount(size_t fields) {
  return Bad("field_count", absl::StrCat("has ", fields, fields == 1 ? " field" : " fields", ", expected ",
                                         header_.size(), " as the header has"));
}

}  // namespace polyscene
