// Tells of rows that were refused: the first ones in full, then counts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace polyscene::cli {

// Not thread-safe.
class Rejections {
 public:
  // The first `shown` rejections go to `print` as they come, a line each.
  Rejections(int64_t shown, std::function<void(const std::string&)> print);

  // where: "line 7" or the like.
  void Add(absl::string_view where, absl::string_view reason, absl::string_view message);

  // Counts rows that are refused together with one that was told of.
  void AddUntold(int64_t rows) { count_ += rows; }

  int64_t count() const { return count_; }

  // "12 rows were refused: field_count 9, wrong_type 3"; empty if none was.
  std::string Summary() const;

 private:
  const int64_t shown_;
  const std::function<void(const std::string&)> print_;
  int64_t told_ = 0;
  int64_t count_ = 0;
  std::map<std::string, int64_t> by_reason_;
};

}  // namespace polyscene::cli
