#include "model/fused/fused_pass.h"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "model/fused/backward_kernels.h"

namespace polyscene {
namespace {

// Memory of at least so many floats: what is there, where it is large enough.
float* Reserve(torch::Tensor& memory, int64_t floats) {
  if (!memory.defined() || memory.numel() < floats) memory = torch::empty({floats}, torch::kFloat32);
  return memory.data_ptr<float>();
}

}  // namespace

FusedPass::FusedPass(const FusedPrograms& programs, const ParameterLayout& layout, const BetweenPieces& between_pieces)
    : programs_(programs),
      between_pieces_(between_pieces),
      parameter_count_(layout.count()),
      weights_(programs.recipes, layout) {}

std::vector<torch::Tensor> FusedPass::Forward(const float* flat, const torch::Tensor& inputs,
                                              absl::Span<const int32_t> scenes, absl::Span<const WantedTask> wanted,
                                              const std::vector<int>& tower_outputs) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor rows = inputs.contiguous();
  width_ = rows.size(1);
  weights_.Begin(flat);
  Want(wanted, rows.size(0));
  scenes_.assign(scenes.begin(), scenes.end());
  CutIntoChunks();
  std::vector<torch::Tensor> logits;
  for (const Wanted& want : wanted_) {
    logits.push_back(torch::zeros({want.count, tower_outputs[want.tower]}, torch::kFloat32));
  }
  for (size_t c = 0; c < chunks_.size(); ++c) {
    LoadInputs(c, rows);
    chunks_[c].Forward(weights_, WantedTowers(c));
    StoreLogits(c, logits);
  }
  return logits;
}

void FusedPass::Want(absl::Span<const WantedTask> wanted, int64_t rows) {
  wanted_.clear();
  for (const WantedTask& want : wanted) {
    Wanted& added = wanted_.emplace_back();
    added.tower = want.task;
    added.count = rows;
    if (!want.rows.defined()) continue;
    added.count = want.rows.numel();
    added.places.assign(rows, -1);
    const int64_t* numbers = want.rows.data_ptr<int64_t>();
    for (int64_t i = 0; i < added.count; ++i) added.places[numbers[i]] = i;
  }
}

void FusedPass::CutIntoChunks() {
  order_.resize(scenes_.size());
  std::iota(order_.begin(), order_.end(), 0);
  std::stable_sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) { return ProgramOf(a) < ProgramOf(b); });
  const auto rows = static_cast<int64_t>(order_.size());
  begins_.assign(1, 0);
  int64_t floats = 0;
  while (begins_.back() < rows) {
    const int64_t begin = begins_.back();
    const int program = ProgramOf(order_[begin]);
    int64_t end = begin;
    while (end < rows && end - begin < kMostRows && ProgramOf(order_[end]) == program) ++end;
    floats += (end - begin) * programs_.programs[program].floats;
    begins_.push_back(end);
  }
  float* memory = Reserve(values_, floats);
  chunks_.clear();
  for (size_t c = 0; c + 1 < begins_.size(); ++c) {
    const auto count = static_cast<int>(begins_[c + 1] - begins_[c]);
    chunks_.emplace_back(programs_, between_pieces_, ProgramOf(order_[begins_[c]]), count, memory);
    memory += chunks_.back().floats();
  }
}

absl::Span<const int64_t> FusedPass::RowsOf(size_t chunk) const {
  return absl::MakeConstSpan(order_).subspan(begins_[chunk], begins_[chunk + 1] - begins_[chunk]);
}

std::vector<bool> FusedPass::WantedTowers(size_t chunk) const {
  std::vector<bool> towers(programs_.programs[0].program.logits.size());
  for (const Wanted& want : wanted_) {
    const absl::Span<const int64_t> rows = RowsOf(chunk);
    towers[want.tower] = std::any_of(rows.begin(), rows.end(), [&](int64_t row) { return want.PlaceOf(row) >= 0; });
  }
  return towers;
}

void FusedPass::LoadInputs(size_t chunk, const torch::Tensor& inputs) {
  const RowsView to = chunks_[chunk].Inputs();
  const absl::Span<const int64_t> rows = RowsOf(chunk);
  const float* values = inputs.data_ptr<float>();
  for (size_t r = 0; r < rows.size(); ++r) {
    std::copy_n(values + rows[r] * width_, width_, to.floats(static_cast<int>(r)));
  }
  for (size_t r = 0; r < rows.size() && !programs_.scene_inputs.empty(); ++r) {
    const torch::Tensor own = weights_.Vector(programs_.scene_inputs[scenes_[rows[r]]]);
    std::copy_n(own.data_ptr<float>(), to.width - width_, to.floats(static_cast<int>(r)) + width_);
  }
}

void FusedPass::StoreLogits(size_t chunk, std::vector<torch::Tensor>& logits) const {
  const absl::Span<const int64_t> rows = RowsOf(chunk);
  for (size_t w = 0; w < wanted_.size(); ++w) {
    if (!chunks_[chunk].Computed(wanted_[w].tower)) continue;
    const RowsView from = chunks_[chunk].Logits(wanted_[w].tower);
    float* to = logits[w].data_ptr<float>();
    for (size_t r = 0; r < rows.size(); ++r) {
      const int64_t place = wanted_[w].PlaceOf(rows[r]);
      if (place >= 0) std::copy_n(from.floats(static_cast<int>(r)), from.width, to + place * from.width);
    }
  }
}

FusedPass::Gradients FusedPass::Backward(absl::Span<const torch::Tensor> logits) {
  const torch::NoGradGuard no_grad;
  Gradients gradients;
  gradients.inputs = torch::empty({static_cast<int64_t>(order_.size()), width_}, torch::kFloat32);
  gradients.flat = torch::zeros({parameter_count_}, torch::kFloat32);
  weights_.BeginGradients(gradients.flat.data_ptr<float>());
  for (size_t c = 0; c < chunks_.size(); ++c) {
    Chunk& chunk = chunks_[c];
    chunk.BeginBackward(Reserve(gradients_, chunk.floats()));
    if (LoadGradients(c, logits)) chunk.Backward(weights_);
    StoreInputsGradient(c, gradients.inputs);
  }
  weights_.EndGradients();
  return gradients;
}

bool FusedPass::LoadGradients(size_t chunk, absl::Span<const torch::Tensor> logits) {
  const absl::Span<const int64_t> rows = RowsOf(chunk);
  bool any = false;
  for (size_t w = 0; w < wanted_.size(); ++w) {
    if (!logits[w].defined() || !chunks_[chunk].Computed(wanted_[w].tower)) continue;
    const torch::Tensor from = logits[w].contiguous();
    const RowsView to = chunks_[chunk].LogitsGradient(wanted_[w].tower);
    any = true;
    for (size_t r = 0; r < rows.size(); ++r) {
      const int64_t place = wanted_[w].PlaceOf(rows[r]);
      if (place < 0) continue;
      std::copy_n(from.data_ptr<float>() + place * to.width, to.width, to.floats(static_cast<int>(r)));
    }
  }
  return any;
}

void FusedPass::StoreInputsGradient(size_t chunk, torch::Tensor& inputs) {
  const RowsView from = chunks_[chunk].InputsGradient();
  const absl::Span<const int64_t> rows = RowsOf(chunk);
  float* to = inputs.data_ptr<float>();
  for (size_t r = 0; r < rows.size(); ++r) {
    std::copy_n(from.floats(static_cast<int>(r)), width_, to + rows[r] * width_);
  }
  for (size_t r = 0; r < rows.size() && !programs_.scene_inputs.empty(); ++r) {
    const int own = programs_.scene_inputs[scenes_[rows[r]]];
    const RowsView row{from.floats(static_cast<int>(r)), from.width, false};
    AddColumnSums(row, 1, static_cast<int>(width_), from.width - static_cast<int>(width_),
                  weights_.VectorGradient(own));
  }
}

}  // namespace polyscene
