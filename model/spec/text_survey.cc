#include "model/spec/text_survey.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "model/spec/names.h"
#include "model/spec/utf8.h"

namespace polyscene {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::io::ArrayInputStream;
using google::protobuf::io::Tokenizer;

constexpr size_t kLongestQuote = 40;  // Bytes of a value repeated in a message.

// Turns the tokenizer's (line, column), in which a tab reaches to the next multiple of 8, into offsets and back.
class Offsets {
 public:
  explicit Offsets(absl::string_view text) : text_(text), lines_({0}) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') lines_.push_back(i + 1);
    }
  }

  // Goes on from the last one asked for where it can, so that asking for every token of a long line costs the line
  // once.
  size_t Offset(int line, int column) {
    if (line != last_line_ || column < last_column_) {
      last_line_ = line;
      last_column_ = 0;
      last_offset_ = lines_[std::min<size_t>(line, lines_.size() - 1)];
    }
    for (; last_column_ < column && last_offset_ < text_.size(); ++last_offset_) {
      last_column_ += text_[last_offset_] == '\t' ? 8 - last_column_ % 8 : 1;
    }
    return last_offset_;
  }

  TextPosition Position(size_t offset) const {
    const auto next = std::upper_bound(lines_.begin(), lines_.end(), offset);
    return {static_cast<int>(next - lines_.begin()), static_cast<int>(offset - *(next - 1)) + 1};
  }

 private:
  absl::string_view text_;
  std::vector<size_t> lines_;  // Offset of each line's first byte.
  int last_line_ = 0;
  int last_column_ = 0;
  size_t last_offset_ = 0;
};

class Surveyor : public google::protobuf::io::ErrorCollector {
 public:
  Surveyor(absl::string_view text, Mistakes& mistakes)
      : text_(text),
        offsets_(text),
        mistakes_(mistakes),
        stream_(text.data(), static_cast<int>(text.size())),
        tokens_(&stream_, this) {
    tokens_.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
    tokens_.set_allow_f_after_float(true);
    tokens_.set_require_space_after_number(false);
  }

  TextSurvey Run(const Descriptor& schema) {
    TextSurvey survey;
    survey.root.position = {1, 1};
    survey.fitting_text = std::string(text_);
    const size_t bad_byte = FindInvalidUtf8(text_);
    if (bad_byte < text_.size()) {
      Break(bad_byte, "the file is not UTF-8 text here");
    } else {
      Advance();
      Message(schema, "", survey.root);
    }
    for (const auto& [begin, end] : blanks_) {
      std::replace_if(
          survey.fitting_text.begin() + begin, survey.fitting_text.begin() + end, [](char c) { return c != '\n'; },
          ' ');
    }
    survey.broken = broken_;
    return survey;
  }

  // The tokenizer's own errors: a string without its end, a strange character.
  void AddError(int line, int column, const std::string& message) override {
    if (!broken_) Break(offsets_.Offset(line, column), message);
  }

 private:
  // ---- tokens ----
  bool Is(absl::string_view symbol) { return Type() == Tokenizer::TYPE_SYMBOL && Text() == symbol; }
  bool Take(absl::string_view symbol) { return Is(symbol) && (Advance(), true); }
  absl::string_view Text() { return tokens_.current().text; }
  Tokenizer::TokenType Type() { return tokens_.current().type; }
  bool Done() { return broken_ || Type() == Tokenizer::TYPE_END; }
  void Advance() {
    previous_end_ = begin_ + Text().size();
    tokens_.Next();
    begin_ = offsets_.Offset(tokens_.current().line, tokens_.current().column);
  }
  std::string Got() {
    return Type() == Tokenizer::TYPE_END ? "the end of the file" : Quote(begin_, begin_ + Text().size());
  }
  std::string Quote(size_t begin, size_t end) {
    std::string got(text_.substr(begin, end - begin));
    if (got.size() > kLongestQuote) got = absl::StrCat(got.substr(0, kLongestQuote), "...");
    std::replace(got.begin(), got.end(), '\n', ' ');
    return !got.empty() && (got[0] == '"' || got[0] == '\'') ? got : absl::StrCat("'", got, "'");
  }

  void Break(size_t offset, absl::string_view what) {
    if (!broken_) mistakes_.Add(offsets_.Position(offset), std::string(what));
    broken_ = true;  // The first one breaks it; what follows is a guess.
  }
  void Expected(absl::string_view what) { Break(begin_, absl::StrCat("got ", Got(), ", expected ", what)); }

  // ---- grammar ----
  void Message(const Descriptor& type, absl::string_view close, TextNode& node) {
    while (!broken_ && !Is(close)) {
      if (Type() == Tokenizer::TYPE_END) {
        if (!close.empty())
          Expected(absl::StrCat("'", close, "' to close the ", type.name(), " begun in line ", node.position.line));
        return;
      }
      Field(type, node);
    }
    Advance();
  }

  void Field(const Descriptor& type, TextNode& node) {
    if (Type() != Tokenizer::TYPE_IDENTIFIER) return Expected(absl::StrCat("a field of ", type.name()));
    const size_t begin = begin_;
    const std::string name(Text());
    Advance();
    const FieldDescriptor* field = type.FindFieldByName(name);
    std::string wrong;  // What does not fit; the field is then taken out.
    std::vector<TextNode> values;
    if (field == nullptr) {
      wrong = UnknownField(type, name, begin, node);
      Skip();
    } else {
      wrong = Twice(*field, node);
      Values(*field, begin, values, wrong);
    }
    if (broken_) return;
    if (!Take(",")) Take(";");
    std::vector<TextNode>* kept = field == nullptr ? nullptr : &node.fields[name];
    if (wrong.empty()) {
      if (kept->size() == 1 && kept->front().bad) kept->clear();  // An unknown field was taken for a slip of this one.
      std::move(values.begin(), values.end(), std::back_inserter(*kept));
      return;
    }
    mistakes_.Add(offsets_.Position(begin), std::move(wrong));
    blanks_.emplace_back(begin, previous_end_);
    if (kept != nullptr && kept->empty()) kept->push_back({offsets_.Position(begin), /*bad=*/true, {}});
  }

  // One value, or a list of them, of a known field.
  void Values(const FieldDescriptor& field, size_t begin, std::vector<TextNode>& values, std::string& wrong) {
    const bool message = field.type() == FieldDescriptor::TYPE_MESSAGE;
    if (!Take(":") && !(message && (Is("{") || Is("<") || Is("[")))) {
      return Expected(absl::StrCat(message ? "'{'" : "':'", " after '", field.name(), "'"));
    }
    if (!Is("[")) return Value(field, begin, values, wrong);
    if (!field.is_repeated()) {
      if (wrong.empty()) wrong = absl::StrCat(field.name(), " is a list, expected a single value");
      return SkipValue();
    }
    Advance();
    if (Take("]")) return;
    do {
      Value(field, begin_, values, wrong);
    } while (!broken_ && Take(","));
    if (!broken_ && !Take("]")) Expected("',' or ']' in a list");
  }

  void Value(const FieldDescriptor& field, size_t begin, std::vector<TextNode>& values, std::string& wrong) {
    if (Done()) return Expected(absl::StrCat("a value of ", field.name()));
    const size_t value_begin = begin_;
    values.push_back({offsets_.Position(begin), false, {}});
    if (field.type() == FieldDescriptor::TYPE_MESSAGE && (Is("{") || Is("<"))) {
      const absl::string_view close = Is("{") ? "}" : ">";
      Advance();
      return Message(*field.message_type(), close, values.back());
    }
    const bool negative = Is("-");
    const std::string expected = negative ? (Advance(), Mismatch(field, true)) : Mismatch(field, false);
    SkipValue();
    if (wrong.empty() && !expected.empty() && !broken_) {
      wrong = absl::StrCat(field.name(), " is ", Quote(value_begin, previous_end_), ", expected ", expected);
    }
  }

  // What was expected where the current token does not fit the field, else empty.
  std::string Mismatch(const FieldDescriptor& field, bool negative) {
    const bool integer = Type() == Tokenizer::TYPE_INTEGER;
    const bool word = Type() == Tokenizer::TYPE_IDENTIFIER;
    const auto within = [&](uint64_t max) {
      uint64_t value = 0;
      return integer && Tokenizer::ParseInteger(tokens_.current().text, max, &value);
    };
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return within((uint64_t{1} << 31) - (negative ? 0 : 1)) ? "" : "an integer of 32 bits";
      case FieldDescriptor::CPPTYPE_INT64:
        return within((uint64_t{1} << 63) - (negative ? 0 : 1)) ? "" : "an integer of 64 bits";
      case FieldDescriptor::CPPTYPE_UINT32:
        return !negative && within(std::numeric_limits<uint32_t>::max()) ? "" : "an integer of 32 bits, 0 or above";
      case FieldDescriptor::CPPTYPE_UINT64:
        return !negative && within(std::numeric_limits<uint64_t>::max()) ? "" : "an integer of 64 bits, 0 or above";
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT:
        return Type() == Tokenizer::TYPE_FLOAT || within(std::numeric_limits<uint64_t>::max()) ||
                       (word && (Text() == "inf" || Text() == "infinity" || Text() == "nan"))
                   ? ""
                   : "a number";
      case FieldDescriptor::CPPTYPE_BOOL:
        return !negative && word && (Text() == "true" || Text() == "false") ? "" : "true or false";
      case FieldDescriptor::CPPTYPE_STRING:
        return TextMismatch(negative);
      case FieldDescriptor::CPPTYPE_ENUM:
        return !negative && word && field.enum_type()->FindValueByName(std::string(Text())) != nullptr
                   ? ""
                   : EnumValues(*field.enum_type());
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return absl::StrCat("{ } with the fields of ", field.message_type()->name());
    }
    return "";
  }

  std::string TextMismatch(bool negative) {
    if (negative || Type() != Tokenizer::TYPE_STRING) return "text in quotes";
    std::string value;
    Tokenizer::ParseString(tokens_.current().text, &value);
    return FindInvalidUtf8(value) < value.size() ? "UTF-8 text" : "";
  }

  static std::string EnumValues(const EnumDescriptor& type) {
    std::vector<std::string> names;
    for (int i = 0; i < type.value_count(); ++i) {
      if (type.value(i)->number() != 0) names.push_back(type.value(i)->name());  // 0 is ..._UNSPECIFIED.
    }
    const std::string last = names.back();
    names.pop_back();
    return names.empty() ? last : absl::StrCat(absl::StrJoin(names, ", "), " or ", last);
  }

  std::string UnknownField(const Descriptor& type, const std::string& name, size_t begin, TextNode& node) {
    std::vector<std::string> known;
    for (int i = 0; i < type.field_count(); ++i) known.push_back(type.field(i)->name());
    const std::string meant = NearestName(name, known);
    // What was meant is not missing as well.
    if (!meant.empty() && node.fields[meant].empty()) {
      node.fields[meant].push_back({offsets_.Position(begin), /*bad=*/true, {}});
    }
    return absl::StrCat("a ", type.name(), " has no field '", name, "'", ExpectedName(name, known));
  }

  // What is wrong with giving this field again, or beside another of which only one may be given; else empty.
  std::string Twice(const FieldDescriptor& field, const TextNode& node) {
    const auto given = [&](const FieldDescriptor& other) {
      const auto found = node.fields.find(other.name());
      return found != node.fields.end() && !found->second.empty() && !found->second.front().bad
                 ? found->second.front().position.line
                 : 0;
    };
    if (field.is_repeated()) return "";
    if (const int line = given(field))
      return absl::StrCat(field.name(), " is given again, expected it once (line ", line, ")");
    if (const auto* choice = field.containing_oneof()) {
      for (int i = 0; i < choice->field_count(); ++i) {
        if (const int line = given(*choice->field(i))) {
          return absl::StrCat(field.name(), " is given beside ", choice->field(i)->name(), " (line ", line,
                              "), expected one ", choice->name());
        }
      }
    }
    return "";
  }

  // What follows an unknown field's name.
  void Skip() {
    if (!Take(":") && !Is("{") && !Is("<") && !Is("[")) return Expected("':' or '{' after a field's name");
    SkipValue();
  }

  void SkipValue() {
    if (broken_) return;
    if (Is("{") || Is("<") || Is("[")) return SkipBrackets();
    Take("-");
    if (Type() == Tokenizer::TYPE_STRING) {
      while (!broken_ && Type() == Tokenizer::TYPE_STRING) Advance();  // Adjacent strings are one.
    } else if (Type() == Tokenizer::TYPE_SYMBOL || Type() == Tokenizer::TYPE_END) {
      Expected("a value");
    } else {
      Advance();
    }
  }

  void SkipBrackets() {  // Without recursion: nobody bounds how deep an unknown field goes.
    std::vector<char> open;
    do {
      if (Done()) return Expected("the brackets to be closed");
      if (Is("{") || Is("<") || Is("[")) {
        open.push_back(Text()[0] == '{' ? '}' : Text()[0] == '<' ? '>' : ']');
      } else if (Is("}") || Is(">") || Is("]")) {
        if (Text()[0] != open.back()) return Expected(absl::StrCat("'", std::string(1, open.back()), "'"));
        open.pop_back();
      }
      Advance();
    } while (!open.empty());
  }

  absl::string_view text_;
  Offsets offsets_;
  Mistakes& mistakes_;
  ArrayInputStream stream_;
  Tokenizer tokens_;
  size_t begin_ = 0;         // Offset of the current token.
  size_t previous_end_ = 0;  // Offset after the one before it.
  bool broken_ = false;
  std::vector<std::pair<size_t, size_t>> blanks_;  // What does not fit, as offsets.
};

}  // namespace

TextSurvey SurveyText(absl::string_view text, const Descriptor& schema, Mistakes& mistakes) {
  return Surveyor(text, mistakes).Run(schema);
}

}  // namespace polyscene
