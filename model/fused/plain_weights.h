// The dense weights as a pass over a program's steps reads them, and their gradients on the way back.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "model/compiled/packed_weights.h"
#include "model/network/parameters.h"

namespace polyscene {

// A matrix, or a bias of one row: columns of the parameters side by side. Where they lie so already it is a view of
// them, and its gradient one of theirs; else a copy, whose gradient is put where it belongs in the end.
class ColumnsBlock {
 public:
  ColumnsBlock(const std::vector<MatrixColumns>& columns, const ParameterLayout& layout);

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }

  // [rows, columns] of the parameters `flat`, which stay as they are until Reset().
  torch::Tensor Values(const float* flat);
  // What adds up to the gradient in `flat_gradient`; a copy's starts at 0 and counts from AddCopied() on.
  torch::Tensor Gradient(float* flat_gradient);
  void AddCopied(const float* flat, float* flat_gradient);
  void Reset();

 private:
  struct Part {
    ColumnsPlace place;
    int64_t count = 0;
  };
  bool Direct() const { return parts_.size() == 1 && parts_[0].place.over < 0; }
  torch::Tensor ViewOf(float* flat) const;
  torch::Tensor Copied(std::vector<float>& numbers) const;
  void Copy(const float* flat);

  int64_t rows_ = 0;
  int64_t columns_ = 0;
  std::vector<Part> parts_;
  std::vector<float> values_;    // Of a copy: [rows, columns]; empty: not read yet.
  std::vector<float> gradient_;  // Likewise.
};

// Not thread-safe.
class PlainWeights {
 public:
  // Borrows both.
  PlainWeights(const WeightRecipes& recipes, const ParameterLayout& layout);

  // A pass begins that reads these parameters, which stay as they are until it ends.
  void Begin(const float* flat);
  torch::Tensor Matrix(int matrix) { return matrices_[matrix].Values(flat_); }
  torch::Tensor Vector(int vector);     // [1, width]
  torch::Tensor DotMatrix(int vector);  // What the vector of a kDot holds transposed: [inputs, outputs].

  // Gradients add up in `flat_gradient` [count], which is complete after EndGradients().
  void BeginGradients(float* flat_gradient) { flat_gradient_ = flat_gradient; }
  torch::Tensor MatrixGradient(int matrix) { return matrices_[matrix].Gradient(flat_gradient_); }
  float* VectorGradient(int vector);
  torch::Tensor DotMatrixGradient(int vector) { return vectors_[vector].columns.Gradient(flat_gradient_); }
  void EndGradients();

 private:
  // A row of a matrix through another is added to the bias: what is added, and the gradient of the sum.
  struct VectorOf {
    const WeightRecipes::Vector& recipe;
    ColumnsBlock columns;
    std::vector<float> sum;       // Of those with such a row; empty: not read yet.
    std::vector<float> gradient;  // Likewise.
  };
  int64_t At(int parameter, int64_t row) const;
  void AddTerm(VectorOf& vector) const;
  void EndTerm(VectorOf& vector);

  const ParameterLayout& layout_;
  std::vector<ColumnsBlock> matrices_;
  std::vector<VectorOf> vectors_;
  const float* flat_ = nullptr;
  float* flat_gradient_ = nullptr;
};

}  // namespace polyscene
