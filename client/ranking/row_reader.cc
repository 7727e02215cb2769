#include "client/ranking/row_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/status/status_json.h"
#include "model/data/byte_source.h"
#include "model/data/csv_reader.h"

namespace polyscene::cli {
namespace {

constexpr size_t kMaxBytes =
    size_t{256} << 20;  // Of one request's rows: beyond, something else than candidates was given.

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  const absl::StatusOr<std::unique_ptr<ByteSource>> source = ByteSource::Open(path);
  if (!source.ok()) return source.status();
  std::string text;
  std::string chunk(64 << 10, '\0');
  for (;;) {
    const absl::StatusOr<size_t> got = (*source)->Read(chunk.data(), chunk.size());
    if (!got.ok()) return got.status();
    if (*got == 0) return text;
    text.append(chunk, 0, *got);
    if (text.size() > kMaxBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": longer than ", kMaxBytes, " bytes, expected one request's rows"));
    }
  }
}

// A scalar as text; an object is none.
absl::StatusOr<std::string> ScalarText(const Json& value, absl::string_view name) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return std::string(value.get<bool>() ? "1" : "0");
  if (value.is_number()) return value.dump();
  return absl::InvalidArgumentError(absl::StrCat("'", name, "': got ", value.type_name(),
                                                 ", expected a string, a number, an array of them, or null"));
}

class JsonRows {
 public:
  explicit JsonRows(std::string source) { rows_.source = std::move(source); }

  absl::Status Add(const Json& object, int64_t line) {
    if (!object.is_object()) {
      return absl::InvalidArgumentError(
          absl::StrCat("got ", object.type_name(), ", expected an object with a row's values"));
    }
    RowSet::Row& row = rows_.rows.emplace_back();
    row.line = line;
    for (const auto& [name, value] : object.items()) {
      const auto [index, is_new] = index_.try_emplace(name, rows_.names.size());
      if (is_new) rows_.names.push_back(name);
      if (row.cells.size() <= index->second) row.cells.resize(index->second + 1);
      if (absl::Status status = Fill(value, name, row.cells[index->second]); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  RowSet Take() {
    for (RowSet::Row& row : rows_.rows) row.cells.resize(rows_.names.size());
    return std::move(rows_);
  }

 private:
  static absl::Status Fill(const Json& value, absl::string_view name, Cell& cell) {
    if (value.is_null()) return absl::OkStatus();
    cell.missing = false;
    cell.is_list = value.is_array();
    if (!cell.is_list) {
      absl::StatusOr<std::string> text = ScalarText(value, name);
      if (!text.ok()) return text.status();
      cell.text = *std::move(text);
      return absl::OkStatus();
    }
    for (const Json& item : value) {
      absl::StatusOr<std::string> text = ScalarText(item, name);
      if (!text.ok()) return text.status();
      cell.items.push_back(*std::move(text));
    }
    return absl::OkStatus();
  }

  RowSet rows_;
  absl::flat_hash_map<std::string, size_t> index_;
};

absl::Status At(const std::string& source, absl::string_view what, int64_t number, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(source, ": ", what, " ", number, ": ", message));
}

absl::StatusOr<RowSet> ParseJsonArray(const std::string& source, absl::string_view text) {
  Json array;
  try {
    array = Json::parse(text.begin(), text.end());
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": not valid JSON: ", error.what()));
  }
  JsonRows rows(source);
  int64_t element = 0;
  for (const Json& object : array) {
    ++element;
    if (absl::Status status = rows.Add(object, element); !status.ok()) {
      return At(source, "element", element, status.message());
    }
  }
  return rows.Take();
}

absl::StatusOr<RowSet> ParseJsonLines(const std::string& source, absl::string_view text) {
  // One object over several lines is fine too.
  const Json whole = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  JsonRows rows(source);
  if (!whole.is_discarded()) {
    if (absl::Status status = rows.Add(whole, 1); !status.ok()) return At(source, "line", 1, status.message());
    return rows.Take();
  }
  for (int64_t line = 1; !text.empty(); ++line) {
    const absl::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    if (absl::StripAsciiWhitespace(one).empty()) continue;
    try {
      if (absl::Status status = rows.Add(Json::parse(one.begin(), one.end()), line); !status.ok()) {
        return At(source, "line", line, status.message());
      }
    } catch (const Json::exception& error) {
      return At(source, "line", line, absl::StrCat("not valid JSON: ", error.what()));
    }
  }
  return rows.Take();
}

absl::StatusOr<RowSet> ParseCsv(const std::string& source, absl::string_view text) {
  const absl::StatusOr<std::unique_ptr<CsvReader>> csv = CsvReader::FromText(source, text);
  if (!csv.ok()) return csv.status();
  RowSet rows;
  rows.source = source;
  rows.names = (*csv)->header();
  for (;;) {
    switch ((*csv)->Next()) {
      case CsvReader::Outcome::kEnd:
        if (!(*csv)->status().ok()) return (*csv)->status();
        return rows;
      case CsvReader::Outcome::kIdle:  // Nothing set a deadline.
        break;
      case CsvReader::Outcome::kBadLine:
        return At(source, "line", (*csv)->line(), (*csv)->message());
      case CsvReader::Outcome::kRow:
        RowSet::Row& row = rows.rows.emplace_back();
        row.line = (*csv)->line();
        for (const absl::string_view field : (*csv)->fields()) {
          row.cells.push_back({.missing = field.empty(), .text = std::string(field)});
        }
    }
  }
}

}  // namespace

int RowSet::Find(absl::string_view name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

absl::StatusOr<RowSet> ParseRows(const std::string& source, absl::string_view text) {
  const absl::string_view start = absl::StripLeadingAsciiWhitespace(text);
  if (!start.empty() && start[0] == '[') return ParseJsonArray(source, text);
  if (!start.empty() && start[0] == '{') return ParseJsonLines(source, text);
  return ParseCsv(source, text);
}

absl::StatusOr<RowSet> ReadRows(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadAll(path);
  if (!text.ok()) return text.status();
  return ParseRows(path == "-" ? "standard input" : path, *text);
}

}  // namespace polyscene::cli
