// Rows times weights: out = act(in W + b), the weights packed once for many products. float32 by our own kernel,
// bfloat16 through oneDNN, which has the processor's tiles where there are some.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <dnnl.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "model/compiled/panel_weights.h"

namespace polyscene {

enum class Arithmetic { kFloat32, kBFloat16 };

// Whether the processor multiplies bfloat16 itself (AVX-512 BF16 or AMX); without that it costs more than it saves.
bool HasFastBFloat16();

// Whether it does so by tiles (AMX), at several times the rate of float32.
bool HasBFloat16Tiles();

// Of bfloat16 rows that tiles are multiplied with: where the inputs' width is no multiple of it, a first layer loses up
// to half of its rate.
inline constexpr int kTileColumns = 32;

// What products use of this processor, for people: "AVX-512", "AVX-512 with bfloat16" and the like.
std::string ProductInstructions(Arithmetic arithmetic);

struct ProductShape {
  int inputs = 0;
  int outputs = 0;
  Arithmetic arithmetic = Arithmetic::kFloat32;  // Of the rows that come in, and of the weights.
  bool bfloat16_out = false;                     // Of bfloat16 alone; else the rows that come out are float32.
  bool relu = false;                             // max(0, x) behind it.
  bool bias = true;                              // float32 [outputs]

  bool operator==(const ProductShape&) const = default;
};

// By the arithmetic of its product. Immutable, any thread.
using PackedMatrix = std::variant<PanelWeights, dnnl::memory>;

// Products of one shape. Rows lie one behind the other without gaps: with others, of bfloat16, oneDNN falls back to
// code that is a tenth slower.
//
// Any thread. Throws dnnl::error where oneDNN cannot do it.
class PackedProduct {
 public:
  static constexpr int kMostRows = 128;  // Of one product: with more, what goes between layers leaves the second cache.

  explicit PackedProduct(const ProductShape& shape);
  PackedProduct(const PackedProduct&) = delete;
  PackedProduct& operator=(const PackedProduct&) = delete;

  const ProductShape& shape() const { return shape_; }

  // weights: [inputs, outputs] row-major.
  PackedMatrix Pack(const float* weights) const;

  // For bfloat16, oneDNN generates code for each number of rows. Above 16 it is rounded up to a multiple of four, so
  // that there are few: rows behind the last one are computed as well, and must be there.
  static constexpr int kSizes = 16 + (kMostRows - 16) / 4;
  static constexpr int SizeFor(int rows) { return rows <= 16 ? rows - 1 : 16 + (rows - 16 + 3) / 4 - 1; }
  static constexpr int RowsOf(int size) { return size < 16 ? size + 1 : 16 + (size - 15) * 4; }

  struct ForRows {
    dnnl::matmul product;
    dnnl::memory::desc in;
    dnnl::memory::desc out;
    dnnl::memory::desc bias;
    dnnl::memory::desc weights;
    dnnl::memory::desc scratchpad;
  };
  // Of bfloat16. Made when it is asked for first, in some tenth of a millisecond.
  const ForRows& OfSize(int size) const;
  void MakeAll() const;  // All sizes that there are to be made, so that nobody waits for one later.

 private:
  std::unique_ptr<ForRows> Make(int rows, dnnl::memory::desc weights) const;

  const ProductShape shape_;
  dnnl::memory::desc packed_;  // How the weights lie.
  mutable std::mutex mu_;      // Makes one at a time; taken once a size.
  mutable std::array<std::unique_ptr<const ForRows>, kSizes> made_;
  mutable std::array<std::atomic<const ForRows*>, kSizes> sizes_{};
};

// Runs products; what those of bfloat16 need of their own is made on the first use of each, and nothing is allocated
// here then. Not thread-safe.
class ProductRunner {
 public:
  explicit ProductRunner(const std::vector<std::unique_ptr<PackedProduct>>& products);

  // in: [rows, inputs], out: [rows, outputs], with room for PackedProduct's rounded number of rows; rows: 1 to
  // kMostRows; bias: where the shape has one.
  void Run(int product, int rows, const void* in, const PackedMatrix& weights, const float* bias, void* out);

 private:
  struct Arguments {
    dnnl::memory in;
    dnnl::memory out;
    dnnl::memory bias;
    dnnl::memory scratchpad;
  };
  std::unique_ptr<Arguments> MakeArguments(const PackedProduct::ForRows& of_size, bool with_bias);
  void RunBFloat16(int product, int rows, const void* in, const dnnl::memory& weights, const float* bias, void* out);

  const std::vector<std::unique_ptr<PackedProduct>>& products_;
  dnnl::stream stream_;
  std::vector<std::array<std::unique_ptr<Arguments>, PackedProduct::kSizes>> arguments_;  // [products]
  std::vector<std::byte> scratchpad_;  // As much as the largest product wants.
};

}  // namespace polyscene
