#include "client/feed/rejections.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "model/report/text_table.h"

namespace polyscene::cli {

Rejections::Rejections(int64_t shown, std::function<void(const std::string&)> print)
    : shown_(shown), print_(std::move(print)) {}

void Rejections::Add(absl::string_view where, absl::string_view reason, absl::string_view message) {
  ++count_;
  ++by_reason_[std::string(reason)];
  if (told_ < shown_) {
    print_(absl::StrCat("refused ", where, ": ", message, " [", reason, "]"));
  } else if (told_ == shown_) {
    print_(absl::StrCat("more rows are refused; from here on they are only counted"));
  }
  ++told_;
}

std::string Rejections::Summary() const {
  if (count_ == 0) return "";
  std::string text = absl::StrCat(WithThousands(count_), count_ == 1 ? " row was refused:" : " rows were refused:");
  int64_t rest = count_;
  const char* separator = " ";
  for (const auto& [reason, rows] : by_reason_) {
    absl::StrAppend(&text, separator, reason, " ", WithThousands(rows));
    rest -= rows;
    separator = ", ";
  }
  if (rest > 0) absl::StrAppend(&text, separator, "together with one of these ", WithThousands(rest));
  return text;
}

}  // namespace polyscene::cli
