#include "model/compiled/packed_weights.h"

#include <algorithm>
#include <cassert>
#include <cstdint>

namespace polyscene {
namespace {

// Numbers of a matrix, row by row.
struct Numbers {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;
};

Numbers SideBySide(const ParameterLayout& layout, const std::vector<MatrixColumns>& columns, const float* flat) {
  Numbers all;
  for (const MatrixColumns& part : columns) all.columns += part.count;
  int64_t at = 0;
  for (const MatrixColumns& part : columns) {
    const ColumnsPlace place = PlaceOf(layout, part);
    all.rows = place.rows;
    all.values.resize(all.rows * all.columns);
    ReadColumns(place, part.count, flat, &all.values[at], all.columns);
    at += part.count;
  }
  return all;
}

Numbers TakeRows(const Numbers& from, const std::vector<int>& rows) {
  Numbers taken{static_cast<int64_t>(rows.size()), from.columns, {}};
  taken.values.resize(taken.rows * taken.columns);
  for (int64_t r = 0; r < taken.rows; ++r) {
    std::copy_n(&from.values[rows[r] * from.columns], from.columns, &taken.values[r * from.columns]);
  }
  return taken;
}

std::vector<float> MakeVector(const WeightRecipes::Vector& recipe, const ParameterLayout& layout, const float* flat) {
  const Numbers read = SideBySide(layout, recipe.columns, flat);
  std::vector<float> made = read.values;
  if (recipe.transposed) {
    for (int64_t r = 0; r < read.rows; ++r) {
      for (int64_t c = 0; c < read.columns; ++c) made[c * read.rows + r] = read.values[r * read.columns + c];
    }
  }
  AddSceneTerm(recipe, layout, flat, static_cast<int64_t>(made.size()), made.data());
  return made;
}

}  // namespace

ColumnsPlace PlaceOf(const ParameterLayout& layout, const MatrixColumns& columns) {
  const ParameterSpec& spec = layout.specs()[columns.parameter];
  const size_t stacked = columns.place >= 0 ? 1 : 0;
  ColumnsPlace place;
  place.rows = spec.sizes.size() - stacked >= 2 ? spec.sizes[stacked] : 1;
  place.stride = spec.sizes.back();
  place.bias = spec.bias;
  const int64_t start = std::max(columns.place, 0) * place.rows * place.stride + columns.begin;
  place.at = spec.offset + start;
  if (columns.over >= 0) place.over = layout.specs()[columns.over].offset + start;
  return place;
}

void ReadColumns(const ColumnsPlace& place, int64_t count, const float* flat, float* to, int64_t to_stride) {
  for (int64_t r = 0; r < place.rows; ++r, to += to_stride) {
    const float* from = flat + place.at + r * place.stride;
    std::copy(from, from + count, to);
    if (place.over < 0) continue;
    const float* over = flat + place.over + r * place.stride;
    for (int64_t c = 0; c < count; ++c) to[c] = place.bias ? to[c] + over[c] : to[c] * over[c];
  }
}

void AddSceneTerm(const WeightRecipes::Vector& recipe, const ParameterLayout& layout, const float* flat, int64_t width,
                  float* bias) {
  if (recipe.row_of < 0) return;
  const ParameterSpec& rows = layout.specs()[recipe.row_of];
  const ParameterSpec& times = layout.specs()[recipe.times];
  const float* row = flat + rows.offset + recipe.row * rows.sizes.back();
  for (int64_t i = 0; i < times.sizes[0]; ++i) {
    const float* weights = flat + times.offset + i * times.sizes.back();
    for (int64_t c = 0; c < width; ++c) bias[c] += row[i] * weights[c];
  }
}

PackedWeights PackWeights(const WeightRecipes& recipes, const ParameterLayout& layout,
                          const std::vector<std::unique_ptr<PackedProduct>>& products, const InputLayout& inputs,
                          const float* flat) {
  PackedWeights packed;
  for (const WeightRecipes::Matrix& recipe : recipes.matrices()) {
    Numbers numbers = SideBySide(layout, recipe.columns, flat);
    if (recipe.side == InputSide::kContext) numbers = TakeRows(numbers, inputs.context_columns);
    if (recipe.side == InputSide::kCandidates) numbers = TakeRows(numbers, inputs.candidate_columns);
    const PackedProduct& product = *products[recipe.product];
    assert(product.shape().inputs >= numbers.rows);
    numbers.values.resize(int64_t{product.shape().inputs} * numbers.columns);  // Zeros for columns that are no inputs.
    packed.matrices.push_back(product.Pack(numbers.values.data()));
  }
  for (const WeightRecipes::Vector& recipe : recipes.vectors()) {
    packed.vectors.push_back(MakeVector(recipe, layout, flat));
  }
  return packed;
}

}  // namespace polyscene
