// Rows of files that were refused: the first ones told in full, all of them counted.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyscene {

// Not thread-safe.
class RefusedRows {
 public:
  // allowed: how many are no failure. print: takes a line of text.
  RefusedRows(int64_t allowed, std::function<void(const std::string&)> print);

  void Add(absl::string_view path, int64_t line, absl::string_view reason, absl::string_view message);

  int64_t count() const { return count_; }
  const std::vector<std::string>& told() const { return told_; }  // What was printed.

  // kInvalidArgument: more than were allowed; says how many, and why.
  absl::Status Check() const;

 private:
  void Print(std::string line);

  const int64_t allowed_;
  const std::function<void(const std::string&)> print_;
  int64_t count_ = 0;
  std::vector<std::string> told_;
  std::map<std::string, int64_t> by_reason_;
};

}  // namespace polyscene
