#include "model/network/product_network.h"

#include <torch/torch.h>

#include <algorithm>
#include <iterator>

namespace polyscene {
namespace {

absl::Span<const int64_t> Numbers(const torch::Tensor& rows) {
  return {rows.data_ptr<int64_t>(), static_cast<size_t>(rows.numel())};
}

torch::Tensor RowTensor(const std::vector<int64_t>& rows) { return torch::tensor(rows, torch::kInt64); }

// What one tower is to compute, as one task after the other asks for it.
struct TowerRows {
  bool wanted = false;
  torch::Tensor rows;  // As WantedTask::rows.

  void Add(const torch::Tensor& more) {
    if (!wanted || !more.defined()) {
      rows = more;
    } else if (rows.defined()) {
      std::vector<int64_t> both;
      const absl::Span<const int64_t> one = Numbers(rows);
      const absl::Span<const int64_t> other = Numbers(more);
      std::set_union(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(both));
      rows = RowTensor(both);
    }
    wanted = true;
  }
};

// The wanted rows' logits out of those that a tower computed, which are among them.
torch::Tensor Pick(const torch::Tensor& logits, const torch::Tensor& computed, const torch::Tensor& wanted) {
  if (!wanted.defined()) return logits;
  if (!computed.defined()) return logits.index_select(0, wanted.to(logits.device()));
  if (computed.numel() == wanted.numel()) return logits;
  const absl::Span<const int64_t> there = Numbers(computed);
  std::vector<int64_t> places;
  for (const int64_t row : Numbers(wanted)) {
    places.push_back(std::lower_bound(there.begin(), there.end(), row) - there.begin());
  }
  return logits.index_select(0, RowTensor(places).to(logits.device()));
}

}  // namespace

torch::Tensor ProductLogit(const torch::Tensor& a, const torch::Tensor& b) {
  return -torch::logsumexp(torch::stack({-a, -b, -(a + b)}), 0);
}

ProductNetwork::ProductNetwork(const ModelSpec& spec, std::unique_ptr<const Network> towers)
    : Network(spec), towers_(std::move(towers)) {
  layout_ = towers_->layout();
  for (const TaskSpec& task : spec.tasks()) {
    std::vector<int>& towers_of = towers_of_.emplace_back();
    if (task.tower >= 0) towers_of.push_back(task.tower);
    for (const int factor : task.factors) towers_of.push_back(spec.tasks()[factor].tower);
  }
}

std::vector<WantedTask> ProductNetwork::WantedTowers(absl::Span<const WantedTask> wanted, int64_t rows) const {
  std::vector<TowerRows> towers(towers_of_.size());  // There are at most as many as tasks.
  for (const WantedTask& want : wanted) {
    for (const int tower : towers_of_[want.task]) towers[tower].Add(want.rows);
  }
  std::vector<WantedTask> inner;
  for (size_t t = 0; t < towers.size(); ++t) {
    if (!towers[t].wanted) continue;
    const bool whole = towers[t].rows.defined() && towers[t].rows.numel() == rows;
    inner.push_back({static_cast<int>(t), whole ? torch::Tensor() : towers[t].rows});
  }
  return inner;
}

std::vector<torch::Tensor> ProductNetwork::Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                                   absl::Span<const int32_t> scenes,
                                                   absl::Span<const WantedTask> wanted) const {
  const std::vector<WantedTask> inner = WantedTowers(wanted, static_cast<int64_t>(scenes.size()));
  const std::vector<torch::Tensor> computed = towers_->Forward(parameters, inputs, scenes, inner);
  std::vector<int> place(towers_of_.size(), -1);  // Of each tower in `inner`.
  for (size_t i = 0; i < inner.size(); ++i) place[inner[i].task] = static_cast<int>(i);

  std::vector<torch::Tensor> logits;
  for (const WantedTask& want : wanted) {
    torch::Tensor product;
    for (const int tower : towers_of_[want.task]) {
      const torch::Tensor factor = Pick(computed[place[tower]], inner[place[tower]].rows, want.rows);
      product = product.defined() ? ProductLogit(product, factor) : factor;
    }
    logits.push_back(std::move(product));
  }
  return logits;
}

}  // namespace polyscene
