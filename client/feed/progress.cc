#include "client/feed/progress.h"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

constexpr int kBarWidth = 24;

std::string Tail(const ProgressFigures& figures, absl::string_view separator) {
  std::string text = absl::StrCat(WithThousands(std::llround(figures.rate)), " rows/s");
  if (figures.eta_seconds >= 0) absl::StrAppend(&text, separator, "ETA ", ReadableSeconds(figures.eta_seconds));
  if (!figures.trouble.empty()) absl::StrAppend(&text, separator, "reconnecting: ", figures.trouble);
  return text;
}

}  // namespace

std::string RenderBar(const ProgressFigures& figures, int bar) {
  std::string text;
  if (figures.fraction >= 0) {
    const double fraction = std::min(figures.fraction, 1.0);
    const int filled = static_cast<int>(fraction * bar);
    text = absl::StrCat("[", std::string(filled, '#'), std::string(bar - filled, '.'), "] ",
                        static_cast<int>(fraction * 100), " %  ");
  }
  return absl::StrCat(text, WithThousands(figures.sent), " sent  ", WithThousands(figures.acknowledged),
                      " acknowledged  ", WithThousands(figures.rejected), " rejected  ", WithThousands(figures.learned),
                      " learned  ", Tail(figures, "  "));
}

std::string RenderLine(const ProgressFigures& figures) {
  const std::string percent =
      figures.fraction < 0 ? "" : absl::StrCat(static_cast<int>(std::min(figures.fraction, 1.0) * 100), " %, ");
  return absl::StrCat(percent, WithThousands(figures.sent), " rows sent, ", WithThousands(figures.acknowledged),
                      " acknowledged, ", WithThousands(figures.rejected), " rejected, ", WithThousands(figures.learned),
                      " learned, ", Tail(figures, ", "));
}

ProgressPrinter::ProgressPrinter(ProgressOptions options, std::ostream& out, std::function<ProgressFigures()> figures)
    : options_(options), figures_(std::move(figures)), out_(out) {
  thread_ = std::thread([this] { Run(); });
}

ProgressPrinter::~ProgressPrinter() { Stop(); }

void ProgressPrinter::Run() {
  const absl::Duration interval = options_.terminal ? options_.bar_interval : options_.line_interval;
  std::unique_lock<std::mutex> lock(mu_);
  while (!stop_changed_.wait_for(lock, absl::ToChronoNanoseconds(interval), [this] { return stopping_; })) {
    lock.unlock();
    const ProgressFigures figures = figures_();  // Not ours: may take locks.
    lock.lock();
    if (stopping_) return;
    if (options_.terminal) {
      DrawBar(figures);
    } else {
      out_ << RenderLine(figures) << std::endl;
    }
  }
}

void ProgressPrinter::Stop() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    if (stopping_) return;
    stopping_ = true;
  }
  stop_changed_.notify_all();
  thread_.join();
  const ProgressFigures figures = figures_();
  std::lock_guard<std::mutex> lock(mu_);
  if (!options_.terminal) return;
  DrawBar(figures);
  out_ << std::endl;
  bar_width_ = 0;
}

void ProgressPrinter::Message(absl::string_view line) {
  std::lock_guard<std::mutex> lock(mu_);
  ClearBar();
  out_ << line << std::endl;
}

void ProgressPrinter::ClearBar() {
  if (bar_width_ > 0) out_ << "\r" << std::string(bar_width_, ' ') << "\r";
  bar_width_ = 0;
}

void ProgressPrinter::DrawBar(const ProgressFigures& figures) {
  const std::string text = RenderBar(figures, kBarWidth);
  out_ << "\r" << text << std::string(bar_width_ > text.size() ? bar_width_ - text.size() : 0, ' ') << std::flush;
  bar_width_ = text.size();
}

}  // namespace polyscene::cli
