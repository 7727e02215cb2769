#include "model/compiled/packed_weights.h"

#include <algorithm>
#include <cstdint>

namespace polyscene {
namespace {

// Numbers of a matrix, row by row.
struct Numbers {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;
};

class Reader {
 public:
  Reader(const ParameterLayout& layout, const float* flat) : layout_(layout), flat_(flat) {}

  Numbers Read(const MatrixColumns& wanted) const {
    const ColumnsPlace place = PlaceOf(layout_, wanted);
    Numbers read{place.rows, wanted.count, {}};
    read.values.resize(read.rows * read.columns);
    for (int64_t r = 0; r < read.rows; ++r) {
      const float* from = flat_ + place.at + r * place.stride;
      float* to = &read.values[r * read.columns];
      std::copy(from, from + wanted.count, to);
      if (place.over < 0) continue;
      const float* over = flat_ + place.over + r * place.stride;
      for (int64_t c = 0; c < wanted.count; ++c) to[c] = place.bias ? to[c] + over[c] : to[c] * over[c];
    }
    return read;
  }

  const float* Row(int parameter, int64_t row) const {
    const ParameterSpec& spec = layout_.specs()[parameter];
    return flat_ + spec.offset + row * spec.sizes.back();
  }
  const ParameterSpec& Spec(int parameter) const { return layout_.specs()[parameter]; }

 private:
  const ParameterLayout& layout_;
  const float* const flat_;
};

Numbers SideBySide(const Reader& reader, const std::vector<MatrixColumns>& columns) {
  Numbers all;
  for (const MatrixColumns& part : columns) all.columns += part.count;
  int64_t at = 0;
  for (const MatrixColumns& part : columns) {
    const Numbers read = reader.Read(part);
    all.rows = read.rows;
    all.values.resize(all.rows * all.columns);
    for (int64_t r = 0; r < read.rows; ++r) {
      std::copy_n(&read.values[r * read.columns], read.columns, &all.values[r * all.columns + at]);
    }
    at += read.columns;
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

std::vector<float> MakeVector(const Reader& reader, const WeightRecipes::Vector& recipe) {
  const Numbers read = SideBySide(reader, recipe.columns);
  std::vector<float> made = read.values;
  if (recipe.transposed) {
    for (int64_t r = 0; r < read.rows; ++r) {
      for (int64_t c = 0; c < read.columns; ++c) made[c * read.rows + r] = read.values[r * read.columns + c];
    }
  }
  if (recipe.row_of < 0) return made;
  const float* row = reader.Row(recipe.row_of, recipe.row);
  const int64_t inner = reader.Spec(recipe.times).sizes[0];
  for (int64_t i = 0; i < inner; ++i) {
    const float* weights = reader.Row(recipe.times, i);
    for (size_t c = 0; c < made.size(); ++c) made[c] += row[i] * weights[c];
  }
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

PackedWeights PackWeights(const WeightRecipes& recipes, const ParameterLayout& layout,
                          const std::vector<std::unique_ptr<PackedProduct>>& products, const InputLayout& inputs,
                          const float* flat) {
  const Reader reader(layout, flat);
  PackedWeights packed;
  for (const WeightRecipes::Matrix& recipe : recipes.matrices()) {
    Numbers numbers = SideBySide(reader, recipe.columns);
    if (recipe.side == InputSide::kContext) numbers = TakeRows(numbers, inputs.context_columns);
    if (recipe.side == InputSide::kCandidates) numbers = TakeRows(numbers, inputs.candidate_columns);
    packed.matrices.push_back(products[recipe.product]->Pack(numbers.values.data()));
  }
  for (const WeightRecipes::Vector& recipe : recipes.vectors()) packed.vectors.push_back(MakeVector(reader, recipe));
  return packed;
}

}  // namespace polyscene
