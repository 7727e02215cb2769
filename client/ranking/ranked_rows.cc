#include "client/ranking/ranked_rows.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

int CountRows(const RowSet& rows) { return std::max<int>(static_cast<int>(rows.rows.size()), 1); }

std::string ScoreText(const v1::TaskScores& scores, int row, bool classes) {
  const int outputs = static_cast<int>(scores.outputs());
  const float* const begin = scores.values().data() + static_cast<ptrdiff_t>(row) * outputs;
  if (outputs == 1) return Readable(*begin);
  if (classes) {
    const float* const best = std::max_element(begin, begin + outputs);
    return absl::StrCat(best - begin, " (", Readable(*best, 3), ")");
  }
  return absl::StrJoin(begin, begin + outputs, " ",
                       [](std::string* out, float value) { out->append(Readable(value, 3)); });
}

Json ValueJson(const std::string& text, bool number) {
  double value = 0;
  int64_t integer = 0;
  if (number && absl::SimpleAtoi(text, &integer)) return integer;
  if (number && absl::SimpleAtod(text, &value)) return JsonNumber(value);
  return text;
}

Json CellJson(const Cell& cell, bool number) {
  if (cell.missing) return nullptr;
  if (!cell.is_list) return ValueJson(cell.text, number);
  Json array = Json::array();
  for (const std::string& item : cell.items) array.push_back(ValueJson(item, number));
  return array;
}

std::string CellText(const Cell& cell) {
  if (cell.missing) return "";
  return cell.is_list ? absl::StrJoin(cell.items, "|") : cell.text;
}

}  // namespace

absl::StatusOr<int> ScoredRows(const RowSet& rows, const v1::PredictResponse& response) {
  const int count = CountRows(rows);
  for (const v1::TaskScores& scores : response.scores()) {
    if (scores.outputs() < 1 || static_cast<int64_t>(scores.values_size()) != int64_t{count} * scores.outputs()) {
      return absl::InternalError(absl::StrCat("the answer has ", scores.values_size(), " scores of task '",
                                              scores.task(), "', expected ", count, " x ", scores.outputs()));
    }
  }
  if (response.ranking_size() != 0 && response.ranking_size() != count) {
    return absl::InternalError(absl::StrCat("the answer ranks ", response.ranking_size(), " rows, expected ", count));
  }
  return count;
}

std::vector<int> RankRows(const v1::PredictResponse& response, int rows, int top) {
  std::vector<int> order(rows);
  std::iota(order.begin(), order.end(), 0);
  if (response.ranking_size() == rows) {
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return response.ranking(a) > response.ranking(b); });
  }
  if (top > 0 && top < rows) order.resize(top);
  return order;
}

std::string RankedTable(const PredictPlan& plan, const RowSet& rows, const v1::PredictResponse& response, int top) {
  const int count = CountRows(rows);
  const bool ranked = response.ranking_size() == count;
  std::vector<std::string> header = {ranked ? "rank" : "row"};
  if (ranked) header.push_back("ranking");
  for (const v1::TaskScores& scores : response.scores()) header.push_back(scores.task());
  for (const PredictPlan::Shown& shown : plan.shown) header.push_back(shown.feature);

  TextTable table(std::move(header));
  int rank = 0;
  for (const int row : RankRows(response, count, top)) {
    std::vector<std::string> cells = {absl::StrCat(++rank)};
    if (ranked) cells.push_back(Readable(response.ranking(row)));
    for (const v1::TaskScores& scores : response.scores()) {
      cells.push_back(ScoreText(scores, row, plan.multi_class.count(scores.task()) != 0));
    }
    for (const PredictPlan::Shown& shown : plan.shown) {
      cells.push_back(rows.rows.empty() ? "" : CellText(rows.rows[row].cells[shown.column]));
    }
    table.AddRow(std::move(cells));
  }
  return table.Render();
}

Json RankedJson(const PredictPlan& plan, const RowSet& rows, const v1::PredictResponse& response, int top) {
  const int count = CountRows(rows);
  Json json;
  json["scene"] = plan.request.scene();
  json["version"] = response.model().version();
  json["rows_learned"] = response.model().rows_learned();
  json["weight_age_seconds"] = JsonNumber(response.model().weight_age_seconds());
  json["learned_up_to_micros"] = response.model().learned_up_to_micros();
  json["rows"] = Json::array();
  int rank = 0;
  for (const int row : RankRows(response, count, top)) {
    Json entry;
    entry["rank"] = ++rank;
    entry["row"] = row;
    entry["ranking"] = response.ranking_size() == count ? JsonNumber(response.ranking(row)) : Json(nullptr);
    entry["scores"] = Json::object();
    for (const v1::TaskScores& scores : response.scores()) {
      const int outputs = static_cast<int>(scores.outputs());
      Json values = Json::array();
      for (int o = 0; o < outputs; ++o) values.push_back(JsonNumber(scores.values(row * outputs + o)));
      entry["scores"][scores.task()] = outputs == 1 ? values[0] : values;
    }
    entry["features"] = Json::object();
    for (const PredictPlan::Shown& shown : plan.shown) {
      if (!rows.rows.empty())
        entry["features"][shown.feature] = CellJson(rows.rows[row].cells[shown.column], shown.number);
    }
    json["rows"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace polyscene::cli
