#include "model/spec/mistakes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace polyscene {

Place Place::Field(absl::string_view name) const {
  return Child(name, 0, path_.empty() ? std::string(name) : absl::StrCat(path_, ".", name));
}

Place Place::Field(absl::string_view name, int index) const {
  return Child(name, index, absl::StrCat(path_, path_.empty() ? "" : ".", name, "[", index, "]"));
}

Place Place::Child(absl::string_view name, int index, std::string path) const {
  Place child = *this;
  child.path_ = std::move(path);
  child.node_ = nullptr;
  if (node_ == nullptr) return child;
  const auto found = node_->fields.find(std::string(name));
  if (found == node_->fields.end() || found->second.empty()) return child;
  // An element that is not there (a list with too few) stands where its list begins.
  const bool there = index < static_cast<int>(found->second.size());
  const TextNode& node = found->second[there ? index : 0];
  if (there) child.node_ = &node;
  child.position_ = node.position;
  child.bad_ = bad_ || node.bad;
  return child;
}

void Mistakes::Add(const Place& place, std::string what) {
  if (!place.bad()) entries_.push_back({place.position(), place.path(), std::move(what)});
}

void Mistakes::Add(TextPosition position, std::string what) { entries_.push_back({position, "", std::move(what)}); }

absl::Status Mistakes::ToStatus(absl::string_view path) const {
  if (entries_.empty()) return absl::OkStatus();
  std::vector<Entry> sorted = entries_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Entry& a, const Entry& b) { return a.position < b.position; });
  std::vector<std::string> lines;
  for (const Entry& entry : sorted) {
    if (entry.position.line > 0) {
      lines.push_back(absl::StrCat(path, ":", entry.position.line, ":", entry.position.column, ": ", entry.what));
    } else {
      lines.push_back(entry.field.empty() ? entry.what : absl::StrCat(entry.field, ": ", entry.what));
    }
  }
  return absl::InvalidArgumentError(absl::StrJoin(lines, "\n"));
}

}  // namespace polyscene
