// What a forward pass does between products, row by row.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace polyscene {

// Upper half of a float32.
struct BFloat16 {
  uint16_t bits = 0;
};

// Rows of one width, one behind the other, of either number. A view.
struct RowsView {
  void* data = nullptr;
  int width = 0;
  bool bfloat16 = false;

  float* floats(int row) const { return static_cast<float*>(data) + int64_t{row} * width; }
  BFloat16* halves(int row) const { return static_cast<BFloat16*>(data) + int64_t{row} * width; }
};

// Writes `count` numbers into a row from column `begin` on; to bfloat16 they are rounded to the nearest, ties to even.
void StoreColumns(const float* values, int count, const RowsView& rows, int row, int begin);
void LoadColumns(const RowsView& rows, int row, int begin, int count, float* values);

// The vectors of `width` numbers that `from` points to, one a row from row `first` on, from column `begin` on.
void GatherColumns(absl::Span<const float* const> from, int width, const RowsView& rows, int first, int begin);

// Row 0's columns [begin, begin + width) of `from`, written to rows [first, end) of `rows` from column `to` on. Both of
// one kind of number.
void RepeatColumns(const RowsView& from, int begin, int width, const RowsView& rows, int first, int end, int to);

// Each group of `group` columns, which is all of the width together, through softmax, in place. float32.
void SoftmaxGroups(const RowsView& x, int rows, int group);

// out = the sum of parts[i] * shares[begin + i]. Parts and shares are float32.
void MixRows(absl::Span<const RowsView> parts, const RowsView& shares, int begin, int rows, const RowsView& out);

// x = 2 sigmoid(x), in place. float32.
void OpenGates(const RowsView& x, int rows);

// As many columns of a and b as out has, of any numbers each. Likewise for the next.
void AddRows(const RowsView& a, const RowsView& b, int rows, const RowsView& out);
void MultiplyRows(const RowsView& a, const RowsView& b, int rows, const RowsView& out);
// out = x + x0 * y
void CrossRows(const RowsView& x0, const RowsView& y, const RowsView& x, int rows, const RowsView& out);

// The first `count` columns of a, then as many of b as out has room for.
void ConcatRows(const RowsView& a, int count, const RowsView& b, int rows, const RowsView& out);

// Zeros from column `begin` on, in rows [first, end).
void ClearColumns(const RowsView& x, int begin, int first, int end);

// The sum of the products of every two of the `count` vectors of out.width numbers that x begins with.
void PairProducts(const RowsView& x, int count, int rows, const RowsView& out);

// out[o] = bias[o] + the first `count` columns of in . weights[o], weights: [outputs, count]. out: float32.
void DotRows(const RowsView& in, int count, const float* weights, const float* bias, int rows, const RowsView& out);

// The sum of a[i] * b[i].
float Dot(const float* a, const float* b, int count);

}  // namespace polyscene
