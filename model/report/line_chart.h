// Curves as an SVG picture within an HTML page.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace polyscene {

struct ChartLine {
  std::string name;                               // In the legend; empty: not there.
  std::vector<std::pair<double, double>> points;  // (x, y), x ascending; what is not finite is a gap.
  bool dots = false;                              // A dot at each point: few of them, each a measurement.
  bool emphasized = false;                        // Thicker: what the others are parts of.
};

struct LineChart {
  std::string title;
  std::string x_label;  // Of an axis that begins at 0.
  std::vector<ChartLine> lines;  // In as many colours as there are, up to 8; then dashed, in the same ones.
  // The whole of both axes is [0, 1], with the diagonal: predicted and observed probabilities.
  bool unit_square = false;
};

// A <figure> with a title, the picture (320 x 200 units, as wide as there is room) and the legend; "" where no line has
// a finite point. Colours and widths come from the page's style (report_style.h): classes "line0" to "line7", "dashed",
// "strong", "axis", "grid". Text is escaped.
std::string RenderChart(const LineChart& chart);

// Ends of an axis and the places of its marks: 3 to 7 round numbers (1, 2 or 5 times a power of ten apart) that lie
// within or just around [low, high].
struct AxisTicks {
  double low = 0;
  double high = 1;
  std::vector<double> marks;
};
AxisTicks ChooseTicks(double low, double high);

}  // namespace polyscene
