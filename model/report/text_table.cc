#include "model/report/text_table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace polyscene {
namespace {

// Columns on a terminal: UTF-8 continuation bytes take none.
size_t Width(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

bool LooksNumeric(absl::string_view text) {
  return text == "-" || (!text.empty() && text.find_first_not_of("0123456789.,-+e") == absl::string_view::npos);
}

void AppendCell(absl::string_view text, size_t width, bool right, std::string& line) {
  if (!line.empty()) line += "  ";
  const std::string padding(width - Width(text), ' ');
  if (right) line += padding;
  line.append(text.data(), text.size());
  if (!right) line += padding;
}

void AppendLine(std::string line, std::string& out) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

}  // namespace

TextTable::TextTable(std::vector<std::string> header) : header_(std::move(header)) {}

void TextTable::AddRow(std::vector<std::string> cells) {
  cells.resize(header_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::Render() const {
  std::vector<size_t> widths;
  std::vector<bool> right;
  for (size_t c = 0; c < header_.size(); ++c) {
    size_t width = Width(header_[c]);
    bool numeric = !rows_.empty();
    for (const std::vector<std::string>& row : rows_) {
      width = std::max(width, Width(row[c]));
      numeric = numeric && (row[c].empty() || LooksNumeric(row[c]));
    }
    widths.push_back(width);
    right.push_back(numeric);
  }

  std::string out;
  const auto append = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t c = 0; c < cells.size(); ++c) AppendCell(cells[c], widths[c], right[c], line);
    AppendLine(std::move(line), out);
  };
  append(header_);
  std::vector<std::string> rule;
  for (const size_t width : widths) rule.emplace_back(width, '-');
  append(rule);
  for (const std::vector<std::string>& row : rows_) append(row);
  return out;
}

std::string WithThousands(long long value) {
  std::string digits = std::to_string(value);
  const size_t first = digits[0] == '-' ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, 1, ',');
  }
  return digits;
}

std::string Readable(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  const double magnitude = std::fabs(value);
  if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e9)) return absl::StrFormat("%.*e", digits - 1, value);
  const int before_point = magnitude < 1 ? 1 : static_cast<int>(std::floor(std::log10(magnitude))) + 1;
  return absl::StrFormat("%.*f", std::max(magnitude < 1 ? digits : digits - before_point + 1, 0), value);
}

std::string ReadableSeconds(double seconds) {
  if (!std::isfinite(seconds)) return "-";
  if (seconds < 10) return absl::StrFormat("%.1f s", seconds);
  const long long whole = std::llround(seconds);
  if (whole < 120) return absl::StrFormat("%d s", whole);
  if (whole < 7200) return absl::StrFormat("%d min %d s", whole / 60, whole % 60);
  return absl::StrFormat("%d h %d min", whole / 3600, whole % 3600 / 60);
}

std::string ReadableBytes(double bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  while (bytes >= 1024 && unit < 4) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrFormat("%.0f B", bytes) : absl::StrFormat("%.1f %s", bytes, units[unit]);
}

}  // namespace polyscene
