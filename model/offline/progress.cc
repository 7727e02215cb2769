#include "model/offline/progress.h"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

constexpr int kBarWidth = 24;
constexpr double kTooEarly = 0.005;  // What was done so far says nothing of what is left.

}  // namespace

Progress::Progress(ProgressOptions options, std::ostream& out) : options_(options), out_(out) {}

Progress::~Progress() { Clear(); }

void Progress::Begin(std::string what) {
  what_ = std::move(what);
  begin_ = absl::InfinitePast();
}

void Progress::Update(int64_t rows, double fraction, absl::Time now) {
  if (begin_ == absl::InfinitePast()) begin_ = now;
  if (drawn_ == absl::InfinitePast()) drawn_ = now;
  const absl::Duration interval = options_.terminal ? options_.bar_interval : options_.line_interval;
  if (now - drawn_ < interval) return;
  drawn_ = now;

  fraction = std::clamp(fraction, 0.0, 1.0);
  std::string text = absl::StrCat(what_, "  ", static_cast<int>(fraction * 100), " %");
  if (options_.terminal) {
    const int filled = static_cast<int>(fraction * kBarWidth);
    text = absl::StrCat("[", std::string(filled, '#'), std::string(kBarWidth - filled, '.'), "] ", text);
  }
  const double seconds = absl::ToDoubleSeconds(now - begin_);
  if (rows > 0 && seconds > 0) {
    absl::StrAppend(&text, "  ", WithThousands(rows), " rows  ",
                    WithThousands(std::llround(static_cast<double>(rows) / seconds)), " rows/s");
  }
  if (fraction > kTooEarly && start_ != absl::InfinitePast()) {
    const double spent = absl::ToDoubleSeconds(now - start_);
    absl::StrAppend(&text, "  ETA ", ReadableSeconds(spent * (1 - fraction) / fraction));
  }
  if (!options_.terminal) {
    out_ << text << std::endl;
    return;
  }
  out_ << "\r" << text << std::string(bar_width_ > text.size() ? bar_width_ - text.size() : 0, ' ') << std::flush;
  bar_width_ = text.size();
}

void Progress::Message(absl::string_view line) {
  Clear();
  out_ << line << std::endl;
}

void Progress::Clear() {
  if (bar_width_ > 0) out_ << "\r" << std::string(bar_width_, ' ') << "\r" << std::flush;
  bar_width_ = 0;
}

}  // namespace polyscene
