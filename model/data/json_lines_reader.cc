#include "model/data/json_lines_reader.h"

#include <charconv>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace polyscene {
namespace {

// What nlohmann::json says of a broken text, without its own code and its place within what it calls line 1.
std::string WhatIsBroken(absl::string_view what) {
  constexpr size_t kLongest = 200;  // It quotes the last token, which may be the whole line.
  const size_t place = what.find("column ");
  const size_t colon = place == absl::string_view::npos ? place : what.find(": ", place);
  const size_t code = what.find("] ");
  if (colon != absl::string_view::npos) {
    what.remove_prefix(colon + 2);
  } else if (code != absl::string_view::npos) {
    what.remove_prefix(code + 2);
  }
  return absl::StrCat(what.substr(0, kLongest), what.size() > kLongest ? "..." : "");
}

}  // namespace

// Takes the parser's events of one line into the reader's row. Each returns whether to go on.
class JsonLinesReader::Handler {
 public:
  explicit Handler(JsonLinesReader& reader) : reader_(reader) {}

  bool null() { return Scalar("null", ""); }
  bool boolean(bool value) { return Scalar("true or false", value ? "1" : "0"); }
  bool number_integer(int64_t value) { return Number(value); }
  bool number_unsigned(uint64_t value) { return Number(value); }
  bool number_float(double, const std::string& text) { return Scalar("a number", text); }
  bool string(std::string& text) {
    if (key_ != nullptr && text.find('\0') != std::string::npos) return Problem("binary", "the text holds a NUL byte");
    return Scalar("a text", text);
  }
  bool binary(std::vector<uint8_t>&) { return false; }  // Not of JSON text.

  bool start_object(size_t) { return Open("an object", /*is_array=*/false); }
  bool start_array(size_t) { return Open("an array", /*is_array=*/true); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }

  bool key(std::string& name) {
    if (depth_ != 1) return true;
    const auto found = reader_.layout_.keys.find(name);
    key_ = found == reader_.layout_.keys.end() ? nullptr : &found->second;
    if (key_ == nullptr) return true;
    name_ = found->first;
    any_key_ = true;
    for (const int column : key_->columns) {
      if (reader_.last_row_[column] == reader_.row_) {
        return Problem("repeated_key",
                       absl::StrCat("the row has a value of column '", reader_.header_[column], "' already"));
      }
      reader_.last_row_[column] = reader_.row_;
      reader_.extents_[column] = {reader_.values_.size(), 0};
    }
    return true;
  }

  bool parse_error(size_t, const std::string&, const nlohmann::json::exception& error) {
    problem_ = "broken_json";
    message_ = absl::StrCat("not valid JSON: ", WhatIsBroken(error.what()), "; expected one whole object a line");
    return false;
  }

  bool any_key() const { return any_key_; }
  absl::string_view problem() const { return problem_; }
  std::string TakeMessage() { return std::move(message_); }

 private:
  bool Problem(absl::string_view problem, absl::string_view what) {
    problem_ = problem;
    message_ = absl::StrCat("key '", name_, "': ", what);
    return false;
  }

  bool WrongType(absl::string_view got) {
    const char* const expected = key_->forecast   ? "an array of numbers, as many as the forecast has"
                                 : key_->sequence ? "a value or an array of values"
                                                  : "a number, a text, true, false or null";
    return Problem("wrong_type", absl::StrCat("got ", got, ", expected ", expected));
  }

  template <typename T>
  bool Number(T value) {
    char text[24];
    const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
    return Scalar("a number", absl::string_view(text, static_cast<size_t>(end - text)));
  }

  bool Scalar(absl::string_view kind, absl::string_view text) {
    if (depth_ == 0) return NoObject(kind);
    if (key_ == nullptr) return true;
    if (depth_ == 1) {
      if (key_->forecast && !text.empty()) return WrongType(kind);
      if (!key_->forecast) Append(key_->columns[0], text);
      return true;
    }
    if (key_->forecast) {
      if (elements_ >= key_->columns.size()) return WrongType("a longer array");
      const int column = key_->columns[elements_++];
      reader_.extents_[column].begin = reader_.values_.size();
      Append(column, text);
      return true;
    }
    if (kind == "null") return WrongType("null within an array");
    Append(key_->columns[0], text);
    Append(key_->columns[0], absl::string_view(&kListMark, 1));
    return true;
  }

  bool Open(absl::string_view kind, bool is_array) {
    ++depth_;
    if (depth_ == 1) return !is_array || NoObject(kind);
    if (key_ == nullptr) return true;
    if (!is_array || depth_ > 2 || (!key_->sequence && !key_->forecast)) return WrongType(kind);
    elements_ = 0;
    if (!key_->forecast) Append(key_->columns[0], absl::string_view(&kListMark, 1));
    return true;
  }

  bool Close() {
    --depth_;
    if (depth_ != 1 || key_ == nullptr) return true;
    if (key_->forecast && elements_ < key_->columns.size()) return WrongType("a shorter array");
    return true;
  }

  bool NoObject(absl::string_view kind) {
    problem_ = "broken_json";
    message_ = absl::StrCat("got ", kind, ", expected one object a line");
    return false;
  }

  void Append(int column, absl::string_view text) {
    reader_.values_.append(text.data(), text.size());
    reader_.extents_[column].size += text.size();
  }

  JsonLinesReader& reader_;
  int depth_ = 0;                 // Objects and arrays that are open.
  const JsonKey* key_ = nullptr;  // Of the value that comes; null: of no interest.
  absl::string_view name_;        // That key's.
  size_t elements_ = 0;           // Of the forecast's array so far.
  bool any_key_ = false;
  absl::string_view problem_;
  std::string message_;
};

JsonLinesReader::JsonLinesReader(std::unique_ptr<LineBuffer> lines, JsonLayout layout, RowOptions options)
    : RowSource(std::move(lines), options), layout_(std::move(layout)) {
  header_ = layout_.header;
  fields_.resize(header_.size());
  last_row_.resize(header_.size());
  extents_.resize(header_.size());
}

JsonLinesReader::~JsonLinesReader() = default;

JsonLinesReader::Outcome JsonLinesReader::Next() {
  if (skipping_) return SkipLongLine();
  for (;;) {
    line_ = lines_->line();
    size_t end = 0;
    switch (lines_->FindLineEnd(0, &end)) {
      case LineBuffer::Search::kIdle:
        return Outcome::kIdle;
      case LineBuffer::Search::kTooLong:
        return SkipLongLine();
      case LineBuffer::Search::kFound:
        break;
    }
    if (lines_->AtEnd(end) && (end == 0 || !lines_->source_status().ok())) return End();
    const char* const begin = lines_->data();
    lines_->Consume(end);  // The bytes stay where they are until the next search.
    if (absl::StripAsciiWhitespace(absl::string_view(begin, end)).empty()) continue;
    KeepText(begin, end);
    return ReadObject(begin, end);
  }
}

JsonLinesReader::Outcome JsonLinesReader::SkipLongLine() {
  KeepText("", 0);
  skipping_ = lines_->Skip() == LineBuffer::Search::kIdle;
  if (skipping_) return Outcome::kIdle;
  return Bad("too_long", absl::StrCat("is longer than ", options_.max_row_bytes, " bytes"));
}

JsonLinesReader::Outcome JsonLinesReader::ReadObject(const char* begin, size_t size) {
  ++row_;
  values_.clear();
  Handler handler(*this);
  if (!nlohmann::json::sax_parse(begin, begin + size, &handler)) {
    return Bad(handler.problem(), handler.TakeMessage());
  }
  if (!handler.any_key()) {
    return Bad("no_columns", "the object has no key that the model knows as a feature, a task or a column");
  }
  for (size_t c = 0; c < fields_.size(); ++c) {
    const Extent& extent = extents_[c];
    fields_[c] = last_row_[c] == row_ ? absl::string_view(values_).substr(extent.begin, extent.size) : "";
  }
  return Outcome::kRow;
}

}  // namespace polyscene
