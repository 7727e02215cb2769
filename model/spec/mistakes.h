// Mistakes in a configuration, gathered so that all can be told at once.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyscene {

// Where something stands in a text. Both count from 1, columns in bytes; 0: nowhere.
struct TextPosition {
  int line = 0;
  int column = 0;

  bool operator<(const TextPosition& other) const {
    return line != other.line ? line < other.line : column < other.column;
  }
};

// A message as its text has it: where each of its fields stands. Field by field, element by element.
struct TextNode {
  TextPosition position;
  bool bad = false;  // A mistake was already told here, so what follows from it need not be.
  std::map<std::string, std::vector<TextNode>, std::less<>> fields;
};

// A message or a field of it, to say where a mistake is: in the text where there is one, else as `scenes[1].tasks[0]`.
// Borrows the TextNodes it was made from.
class Place {
 public:
  Place() = default;  // A whole message that was not read from a text.
  explicit Place(const TextNode& root) : node_(&root), position_(root.position) {}

  // A field, or an element of a repeated one. What the text leaves out stands where its message begins.
  Place Field(absl::string_view name) const;
  Place Field(absl::string_view name, int index) const;

  const std::string& path() const { return path_; }
  TextPosition position() const { return position_; }
  bool bad() const { return bad_; }

 private:
  Place Child(absl::string_view name, int index, std::string path) const;

  const TextNode* node_ = nullptr;  // Null: left out of the text, or no text.
  TextPosition position_;
  std::string path_;
  bool bad_ = false;
};

// Not thread-safe.
class Mistakes {
 public:
  // `what` names the thing, what it is and what was expected: "classes is 1, expected 2 to 1,000".
  void Add(const Place& place, std::string what);  // Nothing if something was already told about the place.
  void Add(TextPosition position, std::string what);

  bool empty() const { return entries_.empty(); }

  // kInvalidArgument with one line a mistake, in the order of the text; OK if there are none. `path` is the file's.
  absl::Status ToStatus(absl::string_view path) const;

 private:
  struct Entry {
    TextPosition position;
    std::string field;  // Where there is no position.
    std::string what;
  };
  std::vector<Entry> entries_;
};

}  // namespace polyscene
