#include "model/offline/refused_rows.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

constexpr int64_t kTold = 20;  // A screen of them; a file with more is wrong in some general way.

}  // namespace

RefusedRows::RefusedRows(int64_t allowed, std::function<void(const std::string&)> print)
    : allowed_(allowed), print_(std::move(print)) {}

void RefusedRows::Add(absl::string_view path, int64_t line, absl::string_view reason, absl::string_view message) {
  if (count_ < kTold) Print(absl::StrCat("refused ", path, ":", line, ": ", message, " [", reason, "]"));
  if (count_ == kTold) Print("more rows are refused; from here on they are only counted");
  ++count_;
  ++by_reason_[std::string(reason)];
}

void RefusedRows::Print(std::string line) {
  print_(line);
  told_.push_back(std::move(line));
}

absl::Status RefusedRows::Check() const {
  if (count_ <= allowed_) return absl::OkStatus();
  std::vector<std::string> reasons;
  for (const auto& [reason, rows] : by_reason_) reasons.push_back(absl::StrCat(reason, " ", WithThousands(rows)));
  return absl::InvalidArgumentError(absl::StrCat(WithThousands(count_), count_ == 1 ? " row was" : " rows were",
                                                 " refused (", absl::StrJoin(reasons, ", "), "), expected at most ",
                                                 allowed_, " (--max_rejected)"));
}

}  // namespace polyscene
