#include "model/compiled/program_builder.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr int kMostDots =
    4;  // Outputs up to which a head is a few dot products: a product's kernel wastes most of its width.

}  // namespace

ProgramParts::ProgramParts(const ParameterLayout& layout, Arithmetic arithmetic)
    : layout_(layout), arithmetic_(arithmetic) {
  for (size_t i = 0; i < layout.specs().size(); ++i) names_.emplace(layout.specs()[i].name, static_cast<int>(i));
}

int ProgramParts::Find(absl::string_view name) const {
  const auto it = names_.find(name);
  return it == names_.end() ? -1 : it->second;
}

int ProgramParts::Product(const ProductShape& shape) {
  for (size_t i = 0; i < shapes_.size(); ++i) {
    if (shapes_[i] == shape) return static_cast<int>(i);
  }
  shapes_.push_back(shape);
  return static_cast<int>(shapes_.size()) - 1;
}

ProgramBuilder::ProgramBuilder(ProgramParts& parts, const InputLayout& inputs, std::string scene, bool split,
                               int tower_count, Buffers buffers)
    : parts_(parts), inputs_(inputs), scene_(std::move(scene)), buffers_(buffers) {
  program_.split = split;
  program_.logits.assign(tower_count, -1);
  const bool bfloat16 = BFloat16(Reader::kProduct);
  const auto padded = [&](size_t columns) {
    const auto width = static_cast<int>(columns);
    return bfloat16 && HasBFloat16Tiles() ? (width + kTileColumns - 1) / kTileColumns * kTileColumns : width;
  };
  if (split) program_.context = Buffer(padded(inputs.context_columns.size()), bfloat16, /*context=*/true);
  program_.rows = Buffer(padded(split ? inputs.candidate_columns.size() : inputs.width), bfloat16);
}

int ProgramBuilder::Buffer(int width, bool bfloat16, bool context) {
  std::vector<int>& free = free_[{width, bfloat16, context}];
  if (!free.empty()) {
    const int buffer = free.back();
    free.pop_back();
    return buffer;
  }
  program_.buffers.push_back({width, bfloat16, context});
  return static_cast<int>(program_.buffers.size()) - 1;
}

void ProgramBuilder::Free(const Rows& rows) {
  if (rows.inputs || buffers_ == Buffers::kKept) return;
  const BufferSpec& spec = program_.buffers[rows.buffer];
  free_[{spec.width, spec.bfloat16, spec.context}].push_back(rows.buffer);
}

Step& ProgramBuilder::Append(Step::Kind kind) {
  Step& step = program_.steps.emplace_back();
  step.kind = kind;
  step.tower = tower_;
  return step;
}

Step& ProgramBuilder::AppendProduct(int in, int out, int product, int matrix) {
  Step& step = Append(Step::Kind::kProduct);
  step.in = in;
  step.out = out;
  step.product = product;
  step.matrix = matrix;
  return step;
}

MatrixColumns ProgramBuilder::Columns(const std::string& name, const LayerName& layer) const {
  MatrixColumns columns;
  columns.parameter = parts_.Find(name);
  columns.place = layer.place;
  columns.begin = layer.begin;
  columns.count =
      layer.count > 0 ? layer.count : static_cast<int>(parts_.layout().specs()[columns.parameter].sizes.back());
  columns.over = parts_.Find(absl::StrCat("star.", scene_, "/", name));
  return columns;
}

std::vector<MatrixColumns> ProgramBuilder::BiasColumns(const std::vector<LayerName>& layers) const {
  std::vector<MatrixColumns> columns;
  for (const LayerName& layer : layers) {
    if (!layer.bias.empty()) columns.push_back(Columns(layer.bias, layer));
  }
  return columns;
}

int ProgramBuilder::Matrix(const std::vector<LayerName>& layers, InputSide side, int product) {
  WeightRecipes::Matrix matrix;
  for (const LayerName& layer : layers) matrix.columns.push_back(Columns(layer.matrix, layer));
  matrix.side = side;
  matrix.product = product;
  return parts_.weights().Add(std::move(matrix));
}

Rows ProgramBuilder::Linear(const Rows& in, const std::vector<LayerName>& layers, bool relu, Reader reader,
                            const SceneTerm* scene_term) {
  int width = 0;
  for (const LayerName& layer : layers) width += Columns(layer.matrix, layer).count;
  WeightRecipes::Vector bias;
  bias.columns = BiasColumns(layers);
  if (scene_term != nullptr) {
    bias.row_of = parts_.Find(scene_term->table);
    bias.row = scene_term->row;
    bias.times = parts_.Find(scene_term->weight);
  }
  const int bias_vector = bias.columns.empty() ? -1 : parts_.weights().Add(std::move(bias));
  if (in.inputs && program_.split) return SplitLinear(layers, relu, reader, width, bias_vector);

  const BufferSpec read = program_.buffers[in.buffer];
  const bool halves = read.bfloat16 && BFloat16(reader);
  const Rows out{Buffer(width, halves), false, width};
  const int product = parts_.Product({.inputs = read.width,
                                      .outputs = width,
                                      .arithmetic = read.bfloat16 ? Arithmetic::kBFloat16 : Arithmetic::kFloat32,
                                      .bfloat16_out = halves,
                                      .relu = relu,
                                      .bias = bias_vector >= 0});
  const int matrix = Matrix(layers, InputSide::kAll, product);
  Step& step = AppendProduct(in.buffer, out.buffer, product, matrix);
  step.vector = bias_vector;
  step.detached = scene_term != nullptr;
  return out;
}

Rows ProgramBuilder::SplitLinear(const std::vector<LayerName>& layers, bool relu, Reader reader, int width, int bias) {
  const auto shape = [&](int context) {
    return ProductShape{.inputs = program_.buffers[context ? program_.context : program_.rows].width,
                        .outputs = width,
                        .arithmetic = parts_.arithmetic(),
                        .bfloat16_out = !context && BFloat16(reader),
                        .relu = !context && relu,
                        .bias = !context || bias >= 0};
  };
  Step of_context;
  of_context.kind = Step::Kind::kProduct;
  of_context.tower = tower_;
  of_context.in = program_.context;
  of_context.out = Buffer(width, false, /*context=*/true);  // Never freed: each row's step reads it later.
  of_context.product = parts_.Product(shape(true));
  of_context.matrix = Matrix(layers, InputSide::kContext, of_context.product);
  of_context.vector = bias;
  program_.context_steps.push_back(of_context);

  const Rows out{Buffer(width, BFloat16(reader)), false, width};
  const int product = parts_.Product(shape(false));
  const int matrix = Matrix(layers, InputSide::kCandidates, product);
  AppendProduct(program_.rows, out.buffer, product, matrix).bias_buffer = of_context.out;
  return out;
}

Rows ProgramBuilder::Mix(const std::vector<Rows>& parts, const Rows& shares, int begin, Reader reader) {
  const Rows out{Buffer(parts[0].width, BFloat16(reader)), false, parts[0].width};
  Step& step = Append(Step::Kind::kMix);
  for (const Rows& part : parts) step.parts.push_back(part.buffer);
  step.with = shares.buffer;
  step.begin = begin;
  step.out = out.buffer;
  return out;
}

void ProgramBuilder::Softmax(const Rows& in, int group) {
  Step& step = Append(Step::Kind::kSoftmax);
  step.in = in.buffer;
  step.count = group;
}

void ProgramBuilder::Open(const Rows& in) { Append(Step::Kind::kOpen).in = in.buffer; }

Rows ProgramBuilder::Combine(Step::Kind kind, const Rows& a, const Rows& b, Reader reader) {
  const Rows out{Buffer(a.width, BFloat16(reader)), false, a.width};
  Step& step = Append(kind);
  step.in = a.buffer;
  step.with = b.buffer;
  step.out = out.buffer;
  return out;
}

Rows ProgramBuilder::Concat(const Rows& a, const Rows& b, Reader reader) {
  const Rows out{Buffer(a.width + b.width, BFloat16(reader)), false, a.width + b.width};
  Step& step = Append(Step::Kind::kConcat);
  step.in = a.buffer;
  step.with = b.buffer;
  step.count = a.width;
  step.out = out.buffer;
  return out;
}

Rows ProgramBuilder::Cross(const Rows& x0, const Rows& y, const Rows& x, Reader reader) {
  const Rows out = Combine(Step::Kind::kCross, x, y, reader);
  program_.steps.back().first = x0.buffer;
  return out;
}

Rows ProgramBuilder::PairProducts(const Rows& in, int count, int width) {
  const Rows out{Buffer(width, false), false, width};
  Step& step = Append(Step::Kind::kPairProducts);
  step.in = in.buffer;
  step.count = count;
  step.out = out.buffer;
  return out;
}

Reader ProgramBuilder::HeadReader(const LayerName& head) const {
  return Columns(head.matrix, head).count > kMostDots ? Reader::kTower : Reader::kRows;
}

void ProgramBuilder::Logits(int tower, const Rows& in, const LayerName& head) {
  const int outputs = Columns(head.matrix, head).count;
  if (HeadReader(head) != Reader::kRows || (in.inputs && program_.split)) {
    program_.logits[tower] = Linear(in, {head}, /*relu=*/false, Reader::kRows).buffer;
    return;
  }
  WeightRecipes::Vector weights;
  weights.columns = {Columns(head.matrix, head)};
  weights.transposed = true;
  WeightRecipes::Vector bias;
  bias.columns = {Columns(head.bias, head)};
  const int out = Buffer(outputs, false);
  Step& step = Append(Step::Kind::kDot);
  step.in = in.buffer;
  step.count = in.width;
  step.out = out;
  step.dot_vector = parts_.weights().Add(std::move(weights));
  step.vector = parts_.weights().Add(std::move(bias));
  program_.logits[tower] = out;
}

Program ProgramBuilder::Take() {
  constexpr size_t kAlignment = 64;
  for (const BufferSpec& buffer : program_.buffers) {
    const size_t numbers = static_cast<size_t>(buffer.width) * (buffer.context ? 1 : PackedProduct::kMostRows);
    const size_t bytes = numbers * (buffer.bfloat16 ? 2 : 4);
    program_.offsets.push_back(program_.bytes);
    program_.bytes += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }
  return std::move(program_);
}

int ProgramBuilder::LayerCount(absl::string_view name) const {
  int count = 0;
  while (Has(absl::StrCat(name, ".", count, ".weight"))) ++count;
  return count;
}

}  // namespace polyscene
