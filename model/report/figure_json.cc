#include "model/report/figure_json.h"

#include <cmath>
#include <iostream>

namespace polyscene {

Json JsonNumber(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json FiguresJson(absl::Span<const EvaluationFigure> figures) {
  Json array = Json::array();
  for (const EvaluationFigure& figure : figures) {
    array.push_back({{"scene", figure.scene},
                     {"task", figure.task},
                     {"metric", figure.metric},
                     {"value", JsonNumber(figure.value)},
                     {"rows", figure.rows}});
  }
  return array;
}

void PrintJson(const Json& json) {
  // Bytes that are not UTF-8 (a server's message may quote them) are replaced instead of failing the command.
  std::cout << json.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

}  // namespace polyscene
