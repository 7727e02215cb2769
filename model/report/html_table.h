// Tables of a page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "model/evaluation/evaluation.h"
#include "model/report/comparison.h"

namespace polyscene {

// Texts are escaped. A table wider than the page scrolls by itself.
class HtmlTable {
 public:
  // Classes of cells: to the right; may be broken anywhere, as no other.
  static constexpr char kNumber[] = "number";
  static constexpr char kPath[] = "path";

  struct Cell {
    std::string text;
    std::string style;  // Classes, separated by spaces; not escaped.
  };

  explicit HtmlTable(std::vector<std::string> header) : header_(std::move(header)) {}

  void AddRow(std::vector<Cell> cells, bool strong = false) { rows_.push_back({std::move(cells), strong}); }
  std::string Render() const;  // A column that begins with a number has its header to the right, too.

 private:
  struct Row {
    std::vector<Cell> cells;
    bool strong = false;
  };

  std::vector<std::string> header_;
  std::vector<Row> rows_;
};

// One table a kind of task, so that no column is empty; a line a task and scene, all scenes together strong.
std::string FigureTables(absl::Span<const EvaluationFigure> figures);

// What each model costs; then the figures over all scenes, and those of each scene in tables that open; what failed.
std::string ComparisonTables(absl::Span<const ComparedModel> models);

}  // namespace polyscene
