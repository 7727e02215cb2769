#include "model/data/field_parser.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/match.h"

namespace polyscene {
namespace {

absl::string_view WithoutSpaces(absl::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  // from_chars takes no plus sign, files have it.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return text;
}

bool IsAscii(absl::string_view text) {
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & 0x8080808080808080u) != 0) return false;
  }
  for (; at < text.size(); ++at) {
    if ((text[at] & 0x80) != 0) return false;
  }
  return true;
}

}  // namespace

bool ParseInt64(absl::string_view text, int64_t* value) {
  text = WithoutSpaces(text);
  const char* const end = text.data() + text.size();
  int64_t parsed = 0;
  auto [at, error] = std::from_chars(text.data(), end, parsed);
  if (error != std::errc() || parsed == std::numeric_limits<int64_t>::min()) return false;
  if (at != end && *at == '.') {
    do {
      ++at;
    } while (at != end && *at == '0');
  }
  if (at != end) return false;
  *value = parsed;
  return true;
}

bool ParseFloat(absl::string_view text, float* value) {
  text = WithoutSpaces(text);
  const char* const end = text.data() + text.size();
  // As a double first, so that what is too small for a float becomes 0 instead of an error.
  double parsed = 0;
  const auto [at, error] = std::from_chars(text.data(), end, parsed);
  if (error != std::errc() || at != end) return false;
  const float narrowed = static_cast<float>(parsed);
  if (!std::isfinite(narrowed)) return false;
  *value = narrowed;
  return true;
}

bool ParseTruth(absl::string_view text, float* value) {
  const bool truth = absl::EqualsIgnoreCase(text, "t") || absl::EqualsIgnoreCase(text, "true");
  if (!truth && !absl::EqualsIgnoreCase(text, "f") && !absl::EqualsIgnoreCase(text, "false")) return false;
  *value = truth ? 1 : 0;
  return true;
}

bool IsUtf8(absl::string_view text) {
  if (IsAscii(text)) return true;
  for (size_t at = 0; at < text.size();) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const unsigned char first = byte(0);
    const size_t length = first < 0x80   ? 1
                          : first < 0xC2 ? 0
                          : first < 0xE0 ? 2
                          : first < 0xF0 ? 3
                          : first < 0xF5 ? 4
                                         : 0;
    if (length == 0 || at + length > text.size()) return false;
    for (size_t i = 1; i < length; ++i) {
      if ((byte(i) & 0xC0) != 0x80) return false;
    }
    if (first == 0xE0 && byte(1) < 0xA0) return false;  // Overlong.
    if (first == 0xED && byte(1) > 0x9F) return false;  // A surrogate.
    if (first == 0xF0 && byte(1) < 0x90) return false;  // Overlong.
    if (first == 0xF4 && byte(1) > 0x8F) return false;  // Beyond Unicode.
    at += length;
  }
  return true;
}

const char* AppendValue(absl::string_view text, Column& column) {
  switch (column.type) {
    case ValueType::kInt64: {
      int64_t value = 0;
      if (!ParseInt64(text, &value)) return "a whole number (INT64)";
      column.ints.push_back(value);
      return nullptr;
    }
    case ValueType::kFloat: {
      float value = 0;
      if (!ParseFloat(text, &value)) return "a finite number (FLOAT)";
      column.floats.push_back(value);
      return nullptr;
    }
    case ValueType::kString:
      if (!IsUtf8(text)) return "UTF-8 text (STRING)";
      column.strings.emplace_back(text.data(), text.size());
      return nullptr;
  }
  return "a value";
}

void AppendEmptyValue(Column& column) {
  switch (column.type) {
    case ValueType::kInt64:
      column.ints.push_back(0);
      break;
    case ValueType::kFloat:
      column.floats.push_back(0);
      break;
    case ValueType::kString:
      column.strings.emplace_back();
      break;
  }
}

}  // namespace polyscene
