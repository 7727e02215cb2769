#include "model/network/scene_parts.h"

#include <torch/torch.h>

#include <algorithm>
#include <map>

namespace polyscene {
namespace {

torch::Tensor RowTensor(const std::vector<int64_t>& rows) {
  return torch::from_blob(const_cast<int64_t*>(rows.data()), {static_cast<int64_t>(rows.size())}, torch::kInt64)
      .clone();
}

}  // namespace

SceneParts::SceneParts(absl::Span<const int32_t> scenes, absl::Span<const WantedTask> wanted) : order_(wanted.size()) {
  std::map<int32_t, std::vector<int64_t>> rows_of;
  for (size_t r = 0; r < scenes.size(); ++r) rows_of[scenes[r]].push_back(static_cast<int64_t>(r));
  if (rows_of.size() <= 1) {
    ScenePart& whole = parts_.emplace_back();
    whole.scene = scenes.empty() ? 0 : scenes[0];
    whole.wanted.assign(wanted.begin(), wanted.end());
    for (size_t w = 0; w < wanted.size(); ++w) whole.wants.push_back(w);
    return;
  }
  std::vector<int64_t> part_of(scenes.size());   // By row of the batch,
  std::vector<int64_t> place_of(scenes.size());  // and its number within its part.
  for (const auto& [scene, rows] : rows_of) {
    for (size_t i = 0; i < rows.size(); ++i) {
      part_of[rows[i]] = static_cast<int64_t>(parts_.size());
      place_of[rows[i]] = static_cast<int64_t>(i);
    }
    ScenePart& part = parts_.emplace_back();
    part.scene = scene;
    part.rows = RowTensor(rows);
  }
  for (size_t w = 0; w < wanted.size(); ++w) Want(w, wanted[w], part_of, place_of);
}

void SceneParts::Want(size_t w, const WantedTask& want, const std::vector<int64_t>& part_of,
                      const std::vector<int64_t>& place_of) {
  const bool every = !want.rows.defined();
  const int64_t count = every ? static_cast<int64_t>(part_of.size()) : want.rows.numel();
  const int64_t* numbers = every ? nullptr : want.rows.data_ptr<int64_t>();
  std::vector<std::vector<int64_t>> places(parts_.size());  // Wanted rows, numbered within their part,
  std::vector<int64_t> output_place(count);                 // and of each wanted row its place among its part's.
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = every ? i : numbers[i];
    std::vector<int64_t>& own = places[part_of[row]];
    output_place[i] = static_cast<int64_t>(own.size());
    own.push_back(place_of[row]);
  }
  std::vector<int64_t> begin(parts_.size(), 0);
  int64_t before = 0;
  for (size_t p = 0; p < parts_.size(); ++p) {
    begin[p] = before;
    before += static_cast<int64_t>(places[p].size());
    if (places[p].empty() && !(count == 0 && p == 0)) continue;  // Who wants no row at all gets an empty answer.
    const bool whole = static_cast<int64_t>(places[p].size()) == parts_[p].rows.numel();
    parts_[p].wanted.push_back({want.task, whole ? torch::Tensor() : RowTensor(places[p])});
    parts_[p].wants.push_back(w);
  }
  std::vector<int64_t>& order = order_[w];
  for (int64_t i = 0; i < count; ++i) {
    order.push_back(begin[part_of[every ? i : numbers[i]]] + output_place[i]);
  }
  if (std::is_sorted(order.begin(), order.end())) order.clear();
}

std::vector<torch::Tensor> SceneParts::Join(const std::vector<std::vector<torch::Tensor>>& outputs) const {
  std::vector<std::vector<torch::Tensor>> pieces(order_.size());
  for (size_t p = 0; p < parts_.size(); ++p) {
    for (size_t i = 0; i < outputs[p].size(); ++i) pieces[parts_[p].wants[i]].push_back(outputs[p][i]);
  }
  std::vector<torch::Tensor> joined;
  for (size_t w = 0; w < pieces.size(); ++w) {
    torch::Tensor all = pieces[w].size() == 1 ? pieces[w][0] : torch::cat(pieces[w], 0);
    if (!order_[w].empty()) all = all.index_select(0, RowTensor(order_[w]).to(all.device()));
    joined.push_back(std::move(all));
  }
  return joined;
}

}  // namespace polyscene
