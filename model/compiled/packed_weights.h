// A snapshot's dense weights, laid out for the compiled forward.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "model/compiled/input_layout.h"
#include "model/compiled/packed_product.h"
#include "model/network/parameters.h"

namespace polyscene {

// Columns of a matrix of the model's, or of one place of a stack of them.
struct MatrixColumns {
  int parameter = 0;
  int place = -1;  // Along the first axis, of a stack; else -1.
  int begin = 0;   // The columns,
  int count = 0;
  int over = -1;  // and what a scene makes of them: a matrix that multiplies them, or is added to a bias; -1: none.

  auto Key() const { return std::tie(parameter, place, begin, count, over); }
  bool operator<(const MatrixColumns& other) const { return Key() < other.Key(); }
};

// Where such columns lie among the parameters: `count` numbers a row, rows `stride` numbers apart. A bias is one row.
struct ColumnsPlace {
  int64_t at = 0;
  int64_t over = -1;  // Where what changes them lies, as they do; -1: nothing does.
  int64_t rows = 0;
  int64_t stride = 0;
  bool bias = false;
};
ColumnsPlace PlaceOf(const ParameterLayout& layout, const MatrixColumns& columns);

// Writes `count` columns from there, as what changes them makes them, into rows `to_stride` numbers apart. flat: the
// parameters.
void ReadColumns(const ColumnsPlace& place, int64_t count, const float* flat, float* to, int64_t to_stride);

// Which rows of the first layers' matrices: those that the network's inputs of one side go through.
enum class InputSide { kAll, kContext, kCandidates };

// How to make what PackedWeights holds out of the model's parameters. Each is made once, however many ask for it.
class WeightRecipes {
 public:
  // Side by side, rows of `side`.
  struct Matrix {
    std::vector<MatrixColumns> columns;
    InputSide side = InputSide::kAll;
    int product = 0;
    auto Key() const { return std::tie(columns, side, product); }
    bool operator<(const Matrix& other) const { return Key() < other.Key(); }
  };
  // Numbers one behind the other: biases, or the transposed matrix of a few outputs. plus: a row of a matrix, times
  // another matrix, is added.
  struct Vector {
    std::vector<MatrixColumns> columns;
    bool transposed = false;
    int row_of = -1;
    int row = 0;
    int times = -1;
    auto Key() const { return std::tie(columns, transposed, row_of, row, times); }
    bool operator<(const Vector& other) const { return Key() < other.Key(); }
  };

  int Add(Matrix matrix) { return Number(matrix, matrices_, matrix_numbers_); }
  int Add(Vector vector) { return Number(vector, vectors_, vector_numbers_); }

  const std::vector<Matrix>& matrices() const { return matrices_; }
  const std::vector<Vector>& vectors() const { return vectors_; }

 private:
  template <typename Recipe>
  static int Number(const Recipe& recipe, std::vector<Recipe>& recipes, std::map<Recipe, int>& numbers) {
    const auto [it, added] = numbers.emplace(recipe, static_cast<int>(recipes.size()));
    if (added) recipes.push_back(recipe);
    return it->second;
  }

  std::vector<Matrix> matrices_;
  std::vector<Vector> vectors_;
  std::map<Matrix, int> matrix_numbers_;
  std::map<Vector, int> vector_numbers_;
};

// Immutable, any thread.
struct PackedWeights {
  std::vector<PackedMatrix> matrices;
  std::vector<std::vector<float>> vectors;
};

// Adds the recipe's row of a matrix, times the other one, to a bias of `width` numbers. Nothing where it has no such
// row.
void AddSceneTerm(const WeightRecipes::Vector& recipe, const ParameterLayout& layout, const float* flat, int64_t width,
                  float* bias);

// flat: the parameters, as `layout` lays them out. inputs: of the scenes whose programs are split.
PackedWeights PackWeights(const WeightRecipes& recipes, const ParameterLayout& layout,
                          const std::vector<std::unique_ptr<PackedProduct>>& products, const InputLayout& inputs,
                          const float* flat);

}  // namespace polyscene
