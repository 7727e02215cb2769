#include "model/compiled/panel_weights.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

// The loops below hold their sums in registers, for which they must be taken apart altogether.
#if defined(__clang__)
#define POLYSCENE_UNROLL _Pragma("unroll")
#else
#define POLYSCENE_UNROLL _Pragma("GCC unroll 16")
#endif

namespace polyscene {
namespace {

constexpr size_t kAlignment = 64;  // Of the widest vector, so that none lies across two lines of the caches.
constexpr int kMostRowsAtOnce = 12;
constexpr size_t kLine = 64;  // Of the caches, in bytes.
// Rows of a panel that are asked for before they are needed. Where all weights together leave the second cache, a
// product of 12 rows takes a tenth longer without; 8 to 32 do the same.
constexpr int kAhead = 32;

template <typename Vector>
inline constexpr int kLanes = sizeof(Vector) / sizeof(float);

template <typename Vector>
[[gnu::always_inline]] inline void Load(const float* from, Vector& to) {
  __builtin_memcpy(&to, from, sizeof(Vector));
}

// kRows rows times one panel, kVectors wide. Every sum goes over the inputs in order, whatever kRows is.
template <typename Vector, int kRows, int kVectors>
[[gnu::always_inline]] inline void MultiplyBlock(const float* in, int inputs, const float* panel, const float* bias,
                                                 bool relu, float* out, int64_t out_stride) {
  constexpr int kWidth = kVectors * kLanes<Vector>;
  Vector sums[kRows][kVectors];
  POLYSCENE_UNROLL
  for (int r = 0; r < kRows; ++r) {
    POLYSCENE_UNROLL
    for (int v = 0; v < kVectors; ++v) Load(bias + v * kLanes<Vector>, sums[r][v]);
  }
  const float* end = in + inputs;
  for (const float* at = in; at != end; ++at, panel += kWidth) {
    Vector weights[kVectors];
    POLYSCENE_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      Load(panel + v * kLanes<Vector>, weights[v]);
      if (v * sizeof(Vector) % kLine == 0) __builtin_prefetch(panel + kAhead * kWidth + v * kLanes<Vector>);
    }
    POLYSCENE_UNROLL
    for (int r = 0; r < kRows; ++r) {
      POLYSCENE_UNROLL
      for (int v = 0; v < kVectors; ++v) sums[r][v] += at[int64_t{r} * inputs] * weights[v];
    }
  }
  POLYSCENE_UNROLL
  for (int r = 0; r < kRows; ++r) {
    POLYSCENE_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      Vector sum = sums[r][v];
      if (relu) sum = sum < Vector{} ? Vector{} : sum;
      __builtin_memcpy(out + r * out_stride + v * kLanes<Vector>, &sum, sizeof(Vector));
    }
  }
}

using Kernel = void (*)(const float* in, int inputs, const float* panel, const float* bias, bool relu, float* out,
                        int64_t out_stride);

// Generations of processors: their vectors, and the rows whose sums fit the registers beside a row of a panel.
struct Four {
  using Vector = float __attribute__((vector_size(16)));
  static constexpr int kRowsAtOnce = 4;
  static constexpr const char* kName = "vectors of four";
  template <int kRows, int kVectors>
  static void Multiply(const float* in, int inputs, const float* panel, const float* bias, bool relu, float* out,
                       int64_t out_stride) {
    MultiplyBlock<Vector, kRows, kVectors>(in, inputs, panel, bias, relu, out, out_stride);
  }
};

#if defined(__x86_64__)
struct Avx2 {
  using Vector = float __attribute__((vector_size(32)));
  static constexpr int kRowsAtOnce = 6;
  static constexpr const char* kName = "AVX2";
  template <int kRows, int kVectors>
  [[gnu::target("avx2,fma")]] static void Multiply(const float* in, int inputs, const float* panel, const float* bias,
                                                   bool relu, float* out, int64_t out_stride) {
    MultiplyBlock<Vector, kRows, kVectors>(in, inputs, panel, bias, relu, out, out_stride);
  }
};

struct Avx512 {
  using Vector = float __attribute__((vector_size(64)));
  static constexpr int kRowsAtOnce = 12;
  static constexpr const char* kName = "AVX-512";
  template <int kRows, int kVectors>
  [[gnu::target("avx512f,fma")]] static void Multiply(const float* in, int inputs, const float* panel,
                                                      const float* bias, bool relu, float* out, int64_t out_stride) {
    MultiplyBlock<Vector, kRows, kVectors>(in, inputs, panel, bias, relu, out, out_stride);
  }
};
#endif

// A panel is two vectors wide, and the last one where that is enough, one.
struct Kernels {
  const char* name = nullptr;
  int lanes = 0;  // Of a vector.
  int rows_at_once = 0;
  std::array<std::array<Kernel, kMostRowsAtOnce>, 2> of{};  // [vectors - 1][rows - 1]
};

template <typename Generation>
constexpr Kernels KernelsOf() {
  static_assert(Generation::kRowsAtOnce <= kMostRowsAtOnce && sizeof(typename Generation::Vector) <= kAlignment);
  Kernels made{Generation::kName, kLanes<typename Generation::Vector>, Generation::kRowsAtOnce, {}};
  const auto fill = [&made]<int... kIndex>(std::integer_sequence<int, kIndex...>) {
    ((made.of[0][kIndex] = &Generation::template Multiply<kIndex + 1, 1>), ...);
    ((made.of[1][kIndex] = &Generation::template Multiply<kIndex + 1, 2>), ...);
  };
  fill(std::make_integer_sequence<int, Generation::kRowsAtOnce>());
  return made;
}

constexpr Kernels kOfFour = KernelsOf<Four>();
#if defined(__x86_64__)
constexpr Kernels kOfAvx2 = KernelsOf<Avx2>();
constexpr Kernels kOfAvx512 = KernelsOf<Avx512>();
#endif

const Kernels& Of(PanelKernel kernel) {
#if defined(__x86_64__)
  if (kernel == PanelKernel::kAvx512) return kOfAvx512;
  if (kernel == PanelKernel::kAvx2) return kOfAvx2;
#endif
  return kOfFour;
}

}  // namespace

PanelKernel BestPanelKernel() {
#if defined(__x86_64__)
  static const PanelKernel best = __builtin_cpu_supports("avx512f") ? PanelKernel::kAvx512
                                  : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                                      ? PanelKernel::kAvx2
                                      : PanelKernel::kFour;
  return best;
#else
  return PanelKernel::kFour;
#endif
}

std::string PanelInstructions() { return Of(BestPanelKernel()).name; }

PanelWeights::PanelWeights(const float* weights, int inputs, int outputs, PanelKernel kernel)
    : kernel_(kernel), inputs_(inputs), outputs_(outputs) {
  const int lanes = Of(kernel_).lanes;
  const int vectors = (outputs + lanes - 1) / lanes;
  panels_.resize(static_cast<size_t>(vectors) * lanes * inputs + kAlignment / sizeof(float));
  float* to = const_cast<float*>(Begin());
  for (int begin = 0; begin < outputs; begin += 2 * lanes) {
    const int width = outputs - begin <= lanes ? lanes : 2 * lanes;
    for (int i = 0; i < inputs; ++i, to += width) {
      const float* from = weights + int64_t{i} * outputs + begin;
      std::copy(from, from + std::min(width, outputs - begin), to);
    }
  }
}

const float* PanelWeights::Begin() const {
  void* begin = const_cast<float*>(panels_.data());
  size_t space = panels_.size() * sizeof(float);
  return static_cast<const float*>(std::align(kAlignment, sizeof(float), begin, space));
}

void PanelWeights::Multiply(const float* in, int rows, const float* bias, bool relu, float* out) const {
  const Kernels& kernels = Of(kernel_);
  constexpr int kMostWidth = 2 * kAlignment / sizeof(float);
  alignas(kAlignment) std::array<float, kMostWidth> own_bias;
  alignas(kAlignment) std::array<float, kMostWidth * kMostRowsAtOnce> own_out;
  const float* panel = Begin();
  for (int begin = 0; begin < outputs_; begin += 2 * kernels.lanes) {
    const int vectors = outputs_ - begin <= kernels.lanes ? 1 : 2;
    const int width = vectors * kernels.lanes;
    const int columns = std::min(width, outputs_ - begin);  // Less than the panel's: by way of memory of its width.
    const float* panel_bias = bias == nullptr ? nullptr : bias + begin;
    if (panel_bias == nullptr || columns < width) {
      own_bias.fill(0);
      if (panel_bias != nullptr) std::copy_n(panel_bias, columns, own_bias.data());
      panel_bias = own_bias.data();
    }
    for (int row = 0; row < rows; row += kernels.rows_at_once) {
      const int count = std::min(kernels.rows_at_once, rows - row);
      const Kernel kernel = kernels.of[vectors - 1][count - 1];
      const float* block = in + int64_t{row} * inputs_;
      float* to = out + int64_t{row} * outputs_ + begin;
      if (columns == width) {
        kernel(block, inputs_, panel, panel_bias, relu, to, outputs_);
        continue;
      }
      kernel(block, inputs_, panel, panel_bias, relu, own_out.data(), width);
      for (int r = 0; r < count; ++r) std::copy_n(&own_out[r * width], columns, to + int64_t{r} * outputs_);
    }
    panel += int64_t{width} * inputs_;
  }
}

}  // namespace polyscene
