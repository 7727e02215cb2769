#include "model/compiled/workspace.h"

namespace polyscene {
namespace {

constexpr size_t kAlignment = 64;

}  // namespace

Workspace::Workspace(const CompiledNetwork& network)
    : products_(network.products()), memory_(network.workspace_bytes() + kAlignment) {
  void* begin = memory_.data();
  size_t space = memory_.size();
  begin_ = static_cast<std::byte*>(std::align(kAlignment, 1, begin, space));
}

RowsView Workspace::Buffer(const Program& program, int buffer) {
  const BufferSpec& spec = program.buffers[buffer];
  return {begin_ + program.offsets[buffer], spec.width, spec.bfloat16};
}

void Workspace::RunContext(const Program& program, const PackedWeights& weights, const std::vector<bool>& wanted) {
  for (const Step& step : program.context_steps) {
    if (step.tower < 0 || wanted[step.tower]) Run(program, step, weights, 1);
  }
}

void Workspace::RunRows(const Program& program, const PackedWeights& weights, const std::vector<bool>& wanted,
                        int rows) {
  for (const Step& step : program.steps) {
    if (step.tower < 0 || wanted[step.tower]) Run(program, step, weights, rows);
  }
}

void Workspace::Run(const Program& program, const Step& step, const PackedWeights& weights, int rows) {
  const auto view = [&](int buffer) { return Buffer(program, buffer); };
  switch (step.kind) {
    case Step::Kind::kProduct: {
      const float* bias = nullptr;
      if (step.bias_buffer >= 0) bias = view(step.bias_buffer).floats(0);
      if (step.vector >= 0) bias = weights.vectors[step.vector].data();
      return products_.Run(step.product, rows, view(step.in).data, weights.matrices[step.matrix], bias,
                           view(step.out).data);
    }
    case Step::Kind::kDot:
      return DotRows(view(step.in), step.count, weights.vectors[step.dot_vector].data(),
                     weights.vectors[step.vector].data(), rows, view(step.out));
    case Step::Kind::kSoftmax:
      return SoftmaxGroups(view(step.in), rows, step.count);
    case Step::Kind::kMix:
      parts_.clear();
      for (const int part : step.parts) parts_.push_back(view(part));
      return MixRows(parts_, view(step.with), step.begin, rows, view(step.out));
    case Step::Kind::kOpen:
      return OpenGates(view(step.in), rows);
    case Step::Kind::kAdd:
      return AddRows(view(step.in), view(step.with), rows, view(step.out));
    case Step::Kind::kMultiply:
      return MultiplyRows(view(step.in), view(step.with), rows, view(step.out));
    case Step::Kind::kConcat:
      return ConcatRows(view(step.in), step.count, view(step.with), rows, view(step.out));
    case Step::Kind::kCross:
      return CrossRows(view(step.first), view(step.with), view(step.in), rows, view(step.out));
    case Step::Kind::kPairProducts:
      return PairProducts(view(step.in), step.count, rows, view(step.out));
  }
}

}  // namespace polyscene
