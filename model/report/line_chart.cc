#include "model/report/line_chart.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/report/html.h"

namespace polyscene {
namespace {

constexpr double kWidth = 320, kHeight = 200;
constexpr double kLeft = 44, kRight = 8, kTop = 8, kBottom = 34;
constexpr size_t kColours = 8;

// Of one axis: from values to places in the picture.
struct Scale {
  AxisTicks ticks;
  double from = 0, to = 0;  // Where ticks.low and ticks.high are.
  double operator()(double value) const { return from + (to - from) * (value - ticks.low) / (ticks.high - ticks.low); }
};

std::string Mark(double value) {
  // Sums of steps such as 0.1 come out as 0.30000000000000004; 5 digits are more than any axis here needs.
  return std::abs(value) < 1e-12 ? "0" : absl::StrFormat("%.5g", value);
}

std::string Axes(const LineChart& chart, const Scale& x, const Scale& y) {
  std::string svg;
  for (const double mark : y.ticks.marks) {
    absl::StrAppendFormat(&svg, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", x.from, y(mark), x.to);
    absl::StrAppendFormat(&svg, "<text class=\"mark\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>", x.from - 4,
                          y(mark) + 3, Mark(mark));
  }
  for (const double mark : x.ticks.marks) {
    absl::StrAppendFormat(&svg, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", x(mark), y.from, y.from + 3);
    absl::StrAppendFormat(&svg, "<text class=\"mark\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>", x(mark),
                          y.from + 13, Mark(mark));
  }
  absl::StrAppendFormat(&svg, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>", x.from, y.from, x.to);
  absl::StrAppendFormat(&svg, "<text class=\"mark\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>",
                        (x.from + x.to) / 2, kHeight - 6, EscapeHtml(chart.x_label));
  if (chart.unit_square) {
    absl::StrAppendFormat(&svg, "<path class=\"axis dashed\" d=\"M%.1f %.1fL%.1f %.1f\"/>", x.from, y.from, x.to, y.to);
  }
  return svg;
}

std::string ClassOf(const ChartLine& line, size_t number) {
  return absl::StrCat("line", number % kColours, number >= kColours ? " dashed" : "", line.emphasized ? " strong" : "");
}

std::string Line(const ChartLine& line, size_t number, const Scale& x, const Scale& y) {
  std::string path, dots;
  bool open = false;
  for (const auto& [at, value] : line.points) {
    if (!std::isfinite(value) || !std::isfinite(at)) {
      open = false;
      continue;
    }
    absl::StrAppendFormat(&path, "%c%.1f %.1f", open ? 'L' : 'M', x(at), y(value));
    if (line.dots || line.points.size() == 1) {
      absl::StrAppendFormat(&dots, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\"><title>%s</title></circle>", x(at),
                            y(value), EscapeHtml(absl::StrFormat("%s %.5g: %.5g", line.name, at, value)));
    }
    open = true;
  }
  return absl::StrCat("<g class=\"", ClassOf(line, number), "\"><path d=\"", path, "\"/>", dots, "</g>");
}

std::string Legend(const LineChart& chart) {
  std::string legend;
  for (size_t i = 0; i < chart.lines.size(); ++i) {
    if (chart.lines[i].name.empty()) continue;
    absl::StrAppend(&legend, "<span><svg class=\"key\" viewBox=\"0 0 16 8\" aria-hidden=\"true\"><g class=\"",
                    ClassOf(chart.lines[i], i), "\"><path d=\"M0 4H16\"/></g></svg>", EscapeHtml(chart.lines[i].name),
                    "</span> ");
  }
  return legend.empty() ? "" : absl::StrCat("<div class=\"legend\">", legend, "</div>");
}

}  // namespace

AxisTicks ChooseTicks(double low, double high) {
  if (!(high > low)) {  // One value: as much room around it.
    const double room = low == 0 ? 1 : std::abs(low) * 0.1;
    low -= room;
    high += room;
  }
  const double rough = (high - low) / 4;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  AxisTicks ticks;
  // A little beyond the last mark is no reason for another one.
  const double first = std::floor(low / step + 0.05), last = std::ceil(high / step - 0.05);
  for (double i = first; i <= last; ++i) ticks.marks.push_back(i * step);
  ticks.low = std::min(low, first * step);
  ticks.high = std::max(high, last * step);
  return ticks;
}

std::string RenderChart(const LineChart& chart) {
  double x_low = 0, x_high = 0, y_low = 0, y_high = 0;
  bool any = false;
  for (const ChartLine& line : chart.lines) {
    for (const auto& [x, y] : line.points) {
      if (!std::isfinite(x) || !std::isfinite(y)) continue;
      x_low = std::min(x_low, x);
      x_high = std::max(x_high, x);
      y_low = any ? std::min(y_low, y) : y;
      y_high = any ? std::max(y_high, y) : y;
      any = true;
    }
  }
  if (!any) return "";
  const AxisTicks unit{0, 1, {0, 0.2, 0.4, 0.6, 0.8, 1}};
  const Scale x{chart.unit_square ? unit : ChooseTicks(x_low, x_high), kLeft, kWidth - kRight};
  const Scale y{chart.unit_square ? unit : ChooseTicks(y_low, y_high), kHeight - kBottom, kTop};
  std::string svg = Axes(chart, x, y);
  for (size_t i = 0; i < chart.lines.size(); ++i) svg += Line(chart.lines[i], i, x, y);
  return absl::StrCat("<figure><figcaption>", EscapeHtml(chart.title),
                      "</figcaption>\n<svg class=\"chart\" viewBox=\"0 0 ", kWidth, " ", kHeight,
                      "\" role=\"img\" aria-label=\"", EscapeHtml(chart.title), "\">", svg, "</svg>\n", Legend(chart),
                      "</figure>\n");
}

}  // namespace polyscene
