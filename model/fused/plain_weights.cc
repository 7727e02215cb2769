#include "model/fused/plain_weights.h"

#include <torch/torch.h>

#include <algorithm>

namespace polyscene {
namespace {

// A view of memory that is not written where it is read through a const pointer.
torch::Tensor View(const float* data, int64_t rows, int64_t columns, int64_t stride) {
  return torch::from_blob(const_cast<float*>(data), {rows, columns}, {stride, 1});
}

}  // namespace

ColumnsBlock::ColumnsBlock(const std::vector<MatrixColumns>& columns, const ParameterLayout& layout) {
  for (const MatrixColumns& part : columns) {
    const ColumnsPlace place = PlaceOf(layout, part);
    rows_ = place.rows;
    columns_ += part.count;
    if (!parts_.empty()) {
      Part& last = parts_.back();
      const bool plain = place.over < 0 && last.place.over < 0;
      if (plain && place.stride == last.place.stride && place.at == last.place.at + last.count) {
        last.count += part.count;
        continue;
      }
    }
    parts_.push_back({place, part.count});
  }
}

torch::Tensor ColumnsBlock::ViewOf(float* flat) const {
  const ColumnsPlace& place = parts_[0].place;
  return View(flat + place.at, rows_, columns_, place.stride);
}

torch::Tensor ColumnsBlock::Copied(std::vector<float>& numbers) const {
  return View(numbers.data(), rows_, columns_, columns_);
}

torch::Tensor ColumnsBlock::Values(const float* flat) {
  if (Direct()) return ViewOf(const_cast<float*>(flat));
  if (values_.empty()) Copy(flat);
  return Copied(values_);
}

void ColumnsBlock::Copy(const float* flat) {
  values_.resize(rows_ * columns_);
  float* column = values_.data();
  for (const Part& part : parts_) {
    ReadColumns(part.place, part.count, flat, column, columns_);
    column += part.count;
  }
}

torch::Tensor ColumnsBlock::Gradient(float* flat_gradient) {
  if (Direct()) return ViewOf(flat_gradient);
  if (gradient_.empty()) gradient_.assign(rows_ * columns_, 0.0f);
  return Copied(gradient_);
}

void ColumnsBlock::AddCopied(const float* flat, float* flat_gradient) {
  if (gradient_.empty()) return;
  const float* column = gradient_.data();
  for (const Part& part : parts_) {
    const ColumnsPlace& place = part.place;
    for (int64_t r = 0; r < rows_; ++r) {
      const float* g = column + r * columns_;
      const int64_t row = r * place.stride;
      float* to = flat_gradient + place.at + row;
      if (place.over < 0) {
        for (int64_t c = 0; c < part.count; ++c) to[c] += g[c];
        continue;
      }
      float* over_to = flat_gradient + place.over + row;
      const float* value = flat + place.at + row;
      const float* over = flat + place.over + row;
      for (int64_t c = 0; c < part.count; ++c) {
        to[c] += place.bias ? g[c] : g[c] * over[c];
        over_to[c] += place.bias ? g[c] : g[c] * value[c];
      }
    }
    column += part.count;
  }
  gradient_.clear();
}

void ColumnsBlock::Reset() {
  values_.clear();
  gradient_.clear();
}

PlainWeights::PlainWeights(const WeightRecipes& recipes, const ParameterLayout& layout) : layout_(layout) {
  for (const WeightRecipes::Matrix& recipe : recipes.matrices()) matrices_.emplace_back(recipe.columns, layout);
  for (const WeightRecipes::Vector& recipe : recipes.vectors()) {
    vectors_.push_back({recipe, ColumnsBlock(recipe.columns, layout), {}, {}});
  }
}

void PlainWeights::Begin(const float* flat) {
  flat_ = flat;
  flat_gradient_ = nullptr;
  for (ColumnsBlock& matrix : matrices_) matrix.Reset();
  for (VectorOf& vector : vectors_) {
    vector.columns.Reset();
    vector.sum.clear();
    vector.gradient.clear();
  }
}

int64_t PlainWeights::At(int parameter, int64_t row) const {
  const ParameterSpec& spec = layout_.specs()[parameter];
  return spec.offset + row * spec.sizes.back();
}

void PlainWeights::AddTerm(VectorOf& vector) const {
  const int64_t width = vector.columns.columns();
  const float* bias = vector.columns.Values(flat_).data_ptr<float>();
  vector.sum.assign(bias, bias + width);
  AddSceneTerm(vector.recipe, layout_, flat_, width, vector.sum.data());
}

torch::Tensor PlainWeights::Vector(int v) {
  VectorOf& vector = vectors_[v];
  if (vector.recipe.row_of < 0) return vector.columns.Values(flat_);
  if (vector.sum.empty()) AddTerm(vector);
  const auto width = static_cast<int64_t>(vector.sum.size());
  return View(vector.sum.data(), 1, width, width);
}

torch::Tensor PlainWeights::DotMatrix(int vector) { return vectors_[vector].columns.Values(flat_); }

float* PlainWeights::VectorGradient(int v) {
  VectorOf& vector = vectors_[v];
  if (vector.recipe.row_of < 0) return vector.columns.Gradient(flat_gradient_).data_ptr<float>();
  if (vector.gradient.empty()) vector.gradient.assign(vector.columns.columns(), 0.0f);
  return vector.gradient.data();
}

void PlainWeights::EndTerm(VectorOf& vector) {
  if (vector.gradient.empty()) return;
  const int64_t width = vector.columns.columns();
  float* bias = vector.columns.Gradient(flat_gradient_).data_ptr<float>();
  for (int64_t c = 0; c < width; ++c) bias[c] += vector.gradient[c];
  const int64_t row = At(vector.recipe.row_of, vector.recipe.row);
  for (int64_t i = 0; i < layout_.specs()[vector.recipe.times].sizes[0]; ++i) {
    const int64_t weights = At(vector.recipe.times, i);
    for (int64_t c = 0; c < width; ++c) {
      flat_gradient_[row + i] += vector.gradient[c] * flat_[weights + c];
      flat_gradient_[weights + c] += vector.gradient[c] * flat_[row + i];
    }
  }
  vector.gradient.clear();
}

void PlainWeights::EndGradients() {
  for (VectorOf& vector : vectors_) {
    EndTerm(vector);
    vector.columns.AddCopied(flat_, flat_gradient_);
  }
  for (ColumnsBlock& matrix : matrices_) matrix.AddCopied(flat_, flat_gradient_);
}

}  // namespace polyscene
