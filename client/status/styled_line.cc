#include "client/status/styled_line.h"

#include <algorithm>

namespace polyscene::cli {
namespace {

bool Continues(char c) { return (c & 0xC0) == 0x80; }

absl::string_view Code(Emphasis emphasis) {
  switch (emphasis) {
    case Emphasis::kBold:
      return "\x1b[1m";
    case Emphasis::kDim:
      return "\x1b[2m";
    case Emphasis::kGood:
      return "\x1b[32m";
    case Emphasis::kWarning:
      return "\x1b[33m";
    case Emphasis::kBad:
      return "\x1b[1;31m";
    case Emphasis::kNone:
      break;
  }
  return "";
}

// The first `columns` columns of `text`.
std::string Prefix(const std::string& text, int columns) {
  size_t end = 0;
  for (int taken = 0; end < text.size(); ++end) {
    if (!Continues(text[end]) && taken++ == columns) break;
  }
  return text.substr(0, end);
}

}  // namespace

int DisplayWidth(absl::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return !Continues(c); }));
}

std::string PrintableAscii(absl::string_view text) {
  std::string printable;
  for (const char c : text) {
    if (c >= ' ' && c <= '~') {
      printable += c;
    } else if (!Continues(c)) {
      printable += c == '\n' || c == '\t' ? ' ' : '?';
    }
  }
  return printable;
}

absl::string_view Ellipsis(bool utf8) { return utf8 ? "…" : "~"; }

StyledLine& StyledLine::Add(std::string text, Emphasis emphasis) {
  width_ += DisplayWidth(text);
  if (!text.empty()) parts_.push_back({std::move(text), emphasis});
  return *this;
}

StyledLine& StyledLine::Append(const StyledLine& line) {
  parts_.insert(parts_.end(), line.parts_.begin(), line.parts_.end());
  width_ += line.width_;
  return *this;
}

StyledLine StyledLine::CutTo(int columns, bool utf8) const {
  if (width_ <= columns) return *this;
  StyledLine cut;
  if (columns <= 0) return cut;
  for (const Part& part : parts_) {
    const int left = columns - 1 - cut.width_;
    if (DisplayWidth(part.text) > left) {
      cut.Add(Prefix(part.text, left), part.emphasis);
      break;
    }
    cut.Add(part.text, part.emphasis);
  }
  return cut.Add(std::string(Ellipsis(utf8)));
}

std::string StyledLine::Text() const {
  std::string text;
  for (const Part& part : parts_) text += part.text;
  return text;
}

std::string StyledLine::Ansi(bool color) const {
  if (!color) return Text();
  std::string ansi;
  for (const Part& part : parts_) {
    const absl::string_view code = Code(part.emphasis);
    ansi.append(code.data(), code.size());
    ansi += part.text;
    if (!code.empty()) ansi += "\x1b[0m";
  }
  return ansi;
}

}  // namespace polyscene::cli
