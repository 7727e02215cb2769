// The way back through what lies between products: from the gradient of what a step of a program wrote to those of what
// it read, which are added to. All float32.
#pragma once

#include "absl/types/span.h"
#include "model/compiled/row_kernels.h"

namespace polyscene {

// Zero where what max(0, x) made of it is 0, in place.
void MaskByRelu(const RowsView& out, int rows, const RowsView& gradient);

// to += the sum of the rows' numbers from column `begin` on. to: [count]
void AddColumnSums(const RowsView& gradient, int rows, int begin, int count, float* to);

// Of SoftmaxGroups() and OpenGates(), which wrote `out`, in place.
void SoftmaxGroupsBackward(const RowsView& out, int rows, int group, const RowsView& gradient);
void OpenGatesBackward(const RowsView& out, int rows, const RowsView& gradient);

// Of MixRows().
void MixRowsBackward(const RowsView& gradient, absl::Span<const RowsView> parts, const RowsView& shares, int begin,
                     int rows, absl::Span<const RowsView> part_gradients, const RowsView& share_gradients);

// to += the columns [begin, begin + to.width) of `from`.
void AddColumns(const RowsView& from, int begin, int rows, const RowsView& to);

// to += a * b
void AddProducts(const RowsView& a, const RowsView& b, int rows, const RowsView& to);

// Of PairProducts().
void PairProductsBackward(const RowsView& gradient, const RowsView& x, int count, int rows, const RowsView& to);

}  // namespace polyscene
