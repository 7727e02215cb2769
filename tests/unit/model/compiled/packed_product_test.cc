#include "model/compiled/packed_product.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "model/compiled/row_kernels.h"

namespace polyscene {
namespace {

// Numbers that bfloat16 holds exactly, and whose products and sums float32 does.
float Small(int i) { return static_cast<float>(i * 7 % 9 - 4); }

// Computes rows of 1, 2, ... and compares each with the sum by hand.
void ExpectProducts(const ProductShape& shape) {
  std::vector<std::unique_ptr<PackedProduct>> products;
  products.push_back(std::make_unique<PackedProduct>(shape));
  ProductRunner runner(products);
  std::vector<float> weights(shape.inputs * shape.outputs);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = Small(static_cast<int>(i));
  std::vector<float> bias(shape.outputs);
  for (int o = 0; o < shape.outputs; ++o) bias[o] = Small(o + 3);
  const PackedMatrix packed = products[0]->Pack(weights.data());

  const bool halves = shape.arithmetic == Arithmetic::kBFloat16;
  std::vector<float> in_space(PackedProduct::kMostRows * shape.inputs);
  std::vector<float> out_space(PackedProduct::kMostRows * shape.outputs);
  const RowsView in{in_space.data(), shape.inputs, halves};
  const RowsView out{out_space.data(), shape.outputs, shape.bfloat16_out};
  std::vector<float> row(shape.inputs);
  for (int r = 0; r < PackedProduct::kMostRows; ++r) {
    for (int i = 0; i < shape.inputs; ++i) row[i] = Small(r * 5 + i);
    StoreColumns(row.data(), shape.inputs, in, r, 0);
  }
  std::vector<float> got(shape.outputs);
  for (const int rows : {1, 2, 3, 6, 7, 12, 13, 16, 17, 50, 127, 128}) {
    runner.Run(0, rows, in.data, packed, shape.bias ? bias.data() : nullptr, out.data);
    for (int r = 0; r < rows; ++r) {
      LoadColumns(out, r, 0, shape.outputs, got.data());
      for (int o = 0; o < shape.outputs; ++o) {
        float sum = shape.bias ? bias[o] : 0;
        for (int i = 0; i < shape.inputs; ++i) sum += Small(r * 5 + i) * weights[i * shape.outputs + o];
        if (shape.relu) sum = std::max(0.0f, sum);
        ASSERT_NEAR(got[o], sum, shape.bfloat16_out ? std::fabs(sum) / 128 : 1e-3) << rows << " rows, row " << r;
      }
    }
  }
}

TEST(PackedProductTest, MultipliesRowsOfEveryNumber) {
  for (const int outputs : {1, 12, 16, 17, 32, 40, 64, 70}) {
    for (const bool relu : {false, true}) {
      ExpectProducts({.inputs = 19, .outputs = outputs, .relu = relu, .bias = relu});
    }
  }
}

TEST(PackedProductTest, MultipliesBFloat16) {
  if (!HasFastBFloat16()) GTEST_SKIP() << "the processor has no bfloat16 instructions";
  for (const bool half_out : {false, true}) {
    ExpectProducts(
        {.inputs = 33, .outputs = 40, .arithmetic = Arithmetic::kBFloat16, .bfloat16_out = half_out, .relu = true});
  }
}

TEST(PackedProductTest, RoundsNumbersOfRowsUp) {
  for (int rows = 1; rows <= PackedProduct::kMostRows; ++rows) {
    const int size = PackedProduct::SizeFor(rows);
    ASSERT_LT(size, PackedProduct::kSizes);
    EXPECT_GE(PackedProduct::RowsOf(size), rows);
    EXPECT_LE(PackedProduct::RowsOf(size), rows <= 16 ? rows : rows + 3);
  }
}

}  // namespace
}  // namespace polyscene
