// Lines for a terminal: text with emphasis, as wide as it says it is.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace polyscene::cli {

enum class Emphasis { kNone, kBold, kDim, kGood, kWarning, kBad };

// Columns that `text` takes: UTF-8 continuation bytes take none. Of our own characters, all of which take one.
int DisplayWidth(absl::string_view text);

// `text` with everything that is not printable ASCII replaced: what came over the wire must not steer a terminal, and
// how wide other characters are depends on it.
std::string PrintableAscii(absl::string_view text);

// Characters that a terminal without UTF-8 does not have.
absl::string_view Ellipsis(bool utf8);  // One column in either case.

class StyledLine {
 public:
  StyledLine() = default;
  explicit StyledLine(std::string text, Emphasis emphasis = Emphasis::kNone) { Add(std::move(text), emphasis); }

  StyledLine& Add(std::string text, Emphasis emphasis = Emphasis::kNone);

  StyledLine& Append(const StyledLine& line);

  int width() const { return width_; }
  bool empty() const { return width_ == 0; }

  // Not wider than `columns`; what is cut ends with an ellipsis.
  StyledLine CutTo(int columns, bool utf8) const;

  std::string Text() const;            // Without emphasis.
  std::string Ansi(bool color) const;  // With it, unless not `color`.

 private:
  struct Part {
    std::string text;
    Emphasis emphasis;
  };
  std::vector<Part> parts_;
  int width_ = 0;
};

}  // namespace polyscene::cli
