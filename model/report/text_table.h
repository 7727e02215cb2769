// Text tables for people.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace polyscene {

// Rows of text under a header, aligned when rendered: what looks like a number to the right, the rest to the left.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header);

  void AddRow(std::vector<std::string> cells);  // As many as the header has, or fewer: the rest stays empty.
  size_t rows() const { return rows_.size(); }

  // Header, a rule, the rows; each line ends with a newline and without spaces before it.
  std::string Render() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

// "1,234,567".
std::string WithThousands(long long value);

// A number to be read: `digits` significant digits, no exponent between 1e-4 and 1e9; "-" for what is not finite.
std::string Readable(double value, int digits = 4);

// "85 s", "12 min 5 s", "3 h 2 min".
std::string ReadableSeconds(double seconds);

// "512 B", "1.4 GiB".
std::string ReadableBytes(double bytes);

}  // namespace polyscene
