#include "model/fused/chunk.h"

#include <torch/torch.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "model/fused/backward_kernels.h"

namespace polyscene {
namespace {

torch::Tensor TensorOf(const RowsView& rows, int count) { return torch::from_blob(rows.data, {count, rows.width}); }

std::vector<RowsView> ViewsOf(const std::vector<int>& buffers, const std::function<RowsView(int)>& view) {
  std::vector<RowsView> views;
  for (const int buffer : buffers) views.push_back(view(buffer));
  return views;
}

// The buffer that a step writes.
int Written(const Step& step) { return step.out >= 0 ? step.out : step.in; }

}  // namespace

Chunk::Chunk(const FusedPrograms& programs, const BetweenPieces& between_pieces, int program, int rows, float* memory)
    : programs_(programs),
      between_pieces_(between_pieces),
      program_(programs.programs[program]),
      rows_(rows),
      values_(memory) {}

void Chunk::Forward(PlainWeights& weights, std::vector<bool> wanted) {
  wanted_ = std::move(wanted);
  for (const Step& step : program_.program.steps) {
    if (step.tower >= 0 && !wanted_[step.tower]) continue;
    between_pieces_();
    Run(weights, step);
  }
}

void Chunk::Product(PlainWeights& weights, const Step& step) {
  const torch::Tensor in = TensorOf(Values(step.in), rows_);
  torch::Tensor out = TensorOf(Values(step.out), rows_);
  const bool dot = step.kind == Step::Kind::kDot;
  const torch::Tensor matrix = dot ? weights.DotMatrix(step.dot_vector) : weights.Matrix(step.matrix);
  if (step.vector >= 0) {
    torch::addmm_out(out, weights.Vector(step.vector), in, matrix);
  } else {
    torch::mm_out(out, in, matrix);
  }
  if (!dot && programs_.shapes[step.product].relu) out.relu_();
}

void Chunk::Run(PlainWeights& weights, const Step& step) {
  const auto view = [&](int buffer) { return Values(buffer); };
  switch (step.kind) {
    case Step::Kind::kProduct:
    case Step::Kind::kDot:
      return Product(weights, step);
    case Step::Kind::kSoftmax:
      return SoftmaxGroups(view(step.in), rows_, step.count);
    case Step::Kind::kMix:
      return MixRows(ViewsOf(step.parts, view), view(step.with), step.begin, rows_, view(step.out));
    case Step::Kind::kOpen:
      return OpenGates(view(step.in), rows_);
    case Step::Kind::kAdd:
      return AddRows(view(step.in), view(step.with), rows_, view(step.out));
    case Step::Kind::kMultiply:
      return MultiplyRows(view(step.in), view(step.with), rows_, view(step.out));
    case Step::Kind::kConcat:
      return ConcatRows(view(step.in), step.count, view(step.with), rows_, view(step.out));
    case Step::Kind::kCross:
      return CrossRows(view(step.first), view(step.with), view(step.in), rows_, view(step.out));
    case Step::Kind::kPairProducts:
      return PairProducts(view(step.in), step.count, rows_, view(step.out));
  }
}

void Chunk::BeginBackward(float* memory) {
  gradients_ = memory;
  met_.assign(program_.program.buffers.size(), false);
}

RowsView Chunk::Gradient(int buffer) {
  const RowsView gradient = At(gradients_, buffer);
  if (!met_[buffer]) std::fill_n(gradient.floats(0), int64_t{rows_} * gradient.width, 0.0f);
  met_[buffer] = true;
  return gradient;
}

// Whoever reads a buffer comes behind the step that writes it. So on the way back a step's gradient is complete when it
// is met; and who computed nothing that anybody wanted has none.
void Chunk::Backward(PlainWeights& weights) {
  const std::vector<Step>& steps = program_.program.steps;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (!met_[Written(*step)]) continue;
    between_pieces_();
    RunBackward(weights, *step);
  }
}

void Chunk::ProductBackward(PlainWeights& weights, const Step& step) {
  const RowsView out = Gradient(step.out);
  const bool dot = step.kind == Step::Kind::kDot;
  if (!dot && programs_.shapes[step.product].relu) MaskByRelu(Values(step.out), rows_, out);
  if (step.vector >= 0) AddColumnSums(out, rows_, 0, out.width, weights.VectorGradient(step.vector));
  const torch::Tensor gradient = TensorOf(out, rows_);
  const torch::Tensor in = TensorOf(Values(step.in), rows_);
  torch::Tensor of_matrix = dot ? weights.DotMatrixGradient(step.dot_vector) : weights.MatrixGradient(step.matrix);
  of_matrix.addmm_(in.t(), gradient);
  if (step.detached) return;
  const torch::Tensor matrix = dot ? weights.DotMatrix(step.dot_vector) : weights.Matrix(step.matrix);
  if (met_[step.in]) {
    TensorOf(Gradient(step.in), rows_).addmm_(gradient, matrix.t());
  } else {
    torch::Tensor of_in = TensorOf(At(gradients_, step.in), rows_);
    torch::mm_out(of_in, gradient, matrix.t());
    met_[step.in] = true;
  }
}

void Chunk::MixBackward(const Step& step) {
  const std::vector<RowsView> parts = ViewsOf(step.parts, [&](int buffer) { return Values(buffer); });
  const std::vector<RowsView> part_gradients = ViewsOf(step.parts, [&](int buffer) { return Gradient(buffer); });
  MixRowsBackward(Gradient(step.out), parts, Values(step.with), step.begin, rows_, part_gradients, Gradient(step.with));
}

void Chunk::RunBackward(PlainWeights& weights, const Step& step) {
  const RowsView gradient = Gradient(Written(step));
  switch (step.kind) {
    case Step::Kind::kProduct:
    case Step::Kind::kDot:
      return ProductBackward(weights, step);
    case Step::Kind::kSoftmax:
      return SoftmaxGroupsBackward(Values(step.in), rows_, step.count, gradient);
    case Step::Kind::kMix:
      return MixBackward(step);
    case Step::Kind::kOpen:
      return OpenGatesBackward(Values(step.in), rows_, gradient);
    case Step::Kind::kAdd:
      AddColumns(gradient, 0, rows_, Gradient(step.in));
      return AddColumns(gradient, 0, rows_, Gradient(step.with));
    case Step::Kind::kMultiply:
      AddProducts(gradient, Values(step.with), rows_, Gradient(step.in));
      return AddProducts(gradient, Values(step.in), rows_, Gradient(step.with));
    case Step::Kind::kConcat:
      AddColumns(gradient, 0, rows_, Gradient(step.in));
      return AddColumns(gradient, step.count, rows_, Gradient(step.with));
    case Step::Kind::kCross:
      AddColumns(gradient, 0, rows_, Gradient(step.in));
      AddProducts(gradient, Values(step.with), rows_, Gradient(step.first));
      return AddProducts(gradient, Values(step.first), rows_, Gradient(step.with));
    case Step::Kind::kPairProducts:
      return PairProductsBackward(gradient, Values(step.in), step.count, rows_, Gradient(step.in));
  }
}

}  // namespace polyscene
