#include "model/compiled/row_kernels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "model/compiled/processor_clones.h"

namespace polyscene {
namespace {

constexpr int kBlock = 256;  // Columns taken together where numbers are converted on the way.

[[gnu::always_inline]] inline BFloat16 ToHalf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const uint32_t nan = (bits >> 16) | 0x40;  // Rounding could turn one into an infinity.
  return {static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded)};
}

POLYSCENE_FOR_EACH_PROCESSOR
void ToHalves(const float* __restrict from, int count, BFloat16* __restrict to) {
  for (int i = 0; i < count; ++i) to[i] = ToHalf(from[i]);
}

POLYSCENE_FOR_EACH_PROCESSOR
void ToFloats(const BFloat16* __restrict from, int count, float* __restrict to) {
  for (int i = 0; i < count; ++i) to[i] = std::bit_cast<float>(uint32_t{from[i].bits} << 16);
}

// e^x to about 2 ulp: 2^n times a polynomial on [-ln2/2, ln2/2] (Cephes' expf; Moshier, "Methods and Programs for
// Mathematical Functions", 1989), without a branch, so that loops over it become vector code.
inline float Exp(float x) {
  x = std::min(std::max(x, -87.0f), 88.0f);
  constexpr float kRound = 12582912.0f;  // 1.5 x 2^23: adding it leaves no place for a fraction.
  const float n = (x * 1.44269504f + kRound) - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

POLYSCENE_FOR_EACH_PROCESSOR
void ExpAll(float* x, int count) {
  for (int i = 0; i < count; ++i) x[i] = Exp(x[i]);
}

POLYSCENE_FOR_EACH_PROCESSOR
void OpenAll(float* x, int count) {
  for (int i = 0; i < count; ++i) x[i] = 2.0f / (1.0f + Exp(-x[i]));
}

// Eight numbers together; they may lie anywhere. No more: what is wider than a processor's vectors the compiler takes
// apart by way of memory, which costs ten times as much.
using Lanes = float __attribute__((vector_size(32)));
using LanesInMemory = float __attribute__((vector_size(32), aligned(4), may_alias));
constexpr int kLanes = 8;

inline Lanes Load(const float* from) { return *reinterpret_cast<const LanesInMemory*>(from); }
inline void Store(const Lanes& values, float* to) { *reinterpret_cast<LanesInMemory*>(to) = values; }

// Rows [0, rows) of parts[p], `width` numbers each and as many floats apart, times shares[p] of the row. Four parts at
// once, so that a sum is written and read again once in four.
POLYSCENE_FOR_EACH_PROCESSOR
void MixAll(const float* const* parts, int part_count, const float* shares, int share_stride, int rows, int width,
            float* __restrict out) {
  constexpr int kAtOnce = 4;
  for (int row = 0; row < rows; ++row, shares += share_stride, out += width) {
    const int64_t at = int64_t{row} * width;
    int p = part_count % kAtOnce;  // These one by one.
    for (int i = 0; i < width; ++i) out[i] = 0;
    for (int one = 0; one < p; ++one) {
      const float* part = parts[one] + at;
      const float share = shares[one];
      for (int i = 0; i < width; ++i) out[i] += part[i] * share;
    }
    for (; p < part_count; p += kAtOnce) {
      const float* a = parts[p] + at;
      const float* b = parts[p + 1] + at;
      const float* c = parts[p + 2] + at;
      const float* d = parts[p + 3] + at;
      const float a_share = shares[p];
      const float b_share = shares[p + 1];
      const float c_share = shares[p + 2];
      const float d_share = shares[p + 3];
      for (int i = 0; i < width; ++i) {
        out[i] += (a[i] * a_share + b[i] * b_share) + (c[i] * c_share + d[i] * d_share);
      }
    }
  }
}

template <size_t kCount>
inline void CopyFloats(const float* from, float* to) {
  std::memcpy(to, from, kCount * sizeof(float));
}

// Vectors of `width` numbers into rows that are `stride` numbers apart. No loop of single copies: the compiler would
// make a call of the C library's of it, for every row.
POLYSCENE_FOR_EACH_PROCESSOR
void CopyVectors(const float* const* from, int count, int width, int stride, float* __restrict to) {
  for (int row = 0; row < count; ++row, to += stride) {
    const float* values = from[row];
    int i = 0;
    for (; i + 2 * kLanes <= width; i += 2 * kLanes) {
      const Lanes left = Load(values + i);
      const Lanes right = Load(values + i + kLanes);
      Store(left, to + i);
      Store(right, to + i + kLanes);
    }
    if ((width & kLanes) != 0) {
      Store(Load(values + i), to + i);
      i += kLanes;
    }
    if ((width & 4) != 0) {
      CopyFloats<4>(values + i, to + i);
      i += 4;
    }
    if ((width & 2) != 0) {
      CopyFloats<2>(values + i, to + i);
      i += 2;
    }
    if ((width & 1) != 0) to[i] = values[i];
  }
}

// Likewise, rounded.
POLYSCENE_FOR_EACH_PROCESSOR
void CopyHalves(const float* const* from, int count, int width, int stride, BFloat16* __restrict to) {
  constexpr int kAtOnce = 16;  // A number of turns that is known becomes vector code without a remainder.
  for (int row = 0; row < count; ++row, to += stride) {
    const float* values = from[row];
    int i = 0;
    for (; i + kAtOnce <= width; i += kAtOnce) {
      for (int n = 0; n < kAtOnce; ++n) to[i + n] = ToHalf(values[i + n]);
    }
    for (; i < width; ++i) to[i] = ToHalf(values[i]);
  }
}

// The columns as floats: where they are, or converted into `space`.
const float* Floats(const RowsView& rows, int row, int begin, int count, float* space) {
  if (!rows.bfloat16) return rows.floats(row) + begin;
  ToFloats(rows.halves(row) + begin, count, space);
  return space;
}

// Calls fn(begin, count, out) for blocks of each row's columns, with `out` to write that block into.
template <typename Fn>
void WriteBlocks(const RowsView& out, int row, Fn&& fn) {
  std::array<float, kBlock> space;
  for (int begin = 0; begin < out.width; begin += kBlock) {
    const int count = std::min(kBlock, out.width - begin);
    if (out.bfloat16) {
      fn(begin, count, space.data());
      ToHalves(space.data(), count, out.halves(row) + begin);
    } else {
      fn(begin, count, out.floats(row) + begin);
    }
  }
}

}  // namespace

POLYSCENE_FOR_EACH_PROCESSOR
float Dot(const float* __restrict a, const float* __restrict b, int count) {
  Lanes left = {};
  Lanes right = {};
  int i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    left += Load(a + i) * Load(b + i);
    right += Load(a + i + kLanes) * Load(b + i + kLanes);
  }
  left += right;
  float sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += left[lane];
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

void StoreColumns(const float* values, int count, const RowsView& rows, int row, int begin) {
  if (rows.bfloat16) return ToHalves(values, count, rows.halves(row) + begin);
  std::copy(values, values + count, rows.floats(row) + begin);
}

void LoadColumns(const RowsView& rows, int row, int begin, int count, float* values) {
  if (rows.bfloat16) return ToFloats(rows.halves(row) + begin, count, values);
  std::copy(rows.floats(row) + begin, rows.floats(row) + begin + count, values);
}

void GatherColumns(absl::Span<const float* const> from, int width, const RowsView& rows, int first, int begin) {
  const auto count = static_cast<int>(from.size());
  if (rows.bfloat16) return CopyHalves(from.data(), count, width, rows.width, rows.halves(first) + begin);
  CopyVectors(from.data(), count, width, rows.width, rows.floats(first) + begin);
}

void RepeatColumns(const RowsView& from, int begin, int width, const RowsView& rows, int first, int end, int to) {
  for (int row = first; row < end; ++row) {
    if (rows.bfloat16) {
      std::copy_n(from.halves(0) + begin, width, rows.halves(row) + to);
    } else {
      std::copy_n(from.floats(0) + begin, width, rows.floats(row) + to);
    }
  }
}

void SoftmaxGroups(const RowsView& x, int rows, int group) {
  const int groups = rows * (x.width / group);
  float* values = x.floats(0);
  for (int g = 0; g < groups; ++g) {
    float* of_group = values + g * group;
    const float most = *std::max_element(of_group, of_group + group);
    for (int i = 0; i < group; ++i) of_group[i] -= most;
  }
  ExpAll(values, groups * group);
  for (int g = 0; g < groups; ++g) {
    float* of_group = values + g * group;
    float sum = 0;
    for (int i = 0; i < group; ++i) sum += of_group[i];
    const float factor = 1.0f / sum;
    for (int i = 0; i < group; ++i) of_group[i] *= factor;
  }
}

void MixRows(absl::Span<const RowsView> parts, const RowsView& shares, int begin, int rows, const RowsView& out) {
  // Rows together that what is converted on the way stays in the first cache.
  constexpr int kRowsAtOnce = 8;
  thread_local std::vector<const float*> pointers;
  thread_local std::vector<float> mixed;
  pointers.resize(parts.size());
  if (out.bfloat16) mixed.resize(static_cast<size_t>(kRowsAtOnce) * out.width);
  for (int row = 0; row < rows; row += kRowsAtOnce) {
    const int count = std::min(kRowsAtOnce, rows - row);
    for (size_t p = 0; p < parts.size(); ++p) pointers[p] = parts[p].floats(row);
    float* to = out.bfloat16 ? mixed.data() : out.floats(row);
    MixAll(pointers.data(), static_cast<int>(parts.size()), shares.floats(row) + begin, shares.width, count, out.width,
           to);
    if (out.bfloat16) ToHalves(to, count * out.width, out.halves(row));
  }
}

void OpenGates(const RowsView& x, int rows) { OpenAll(x.floats(0), rows * x.width); }

namespace {

template <typename Combine>
void CombineRows(const RowsView& a, const RowsView& b, int rows, const RowsView& out, Combine combine) {
  std::array<float, kBlock> space_a;
  std::array<float, kBlock> space_b;
  for (int row = 0; row < rows; ++row) {
    WriteBlocks(out, row, [&](int begin, int count, float* to) {
      const float* x = Floats(a, row, begin, count, space_a.data());
      const float* y = Floats(b, row, begin, count, space_b.data());
      for (int i = 0; i < count; ++i) to[i] = combine(x[i], y[i]);
    });
  }
}

}  // namespace

void AddRows(const RowsView& a, const RowsView& b, int rows, const RowsView& out) {
  CombineRows(a, b, rows, out, [](float x, float y) { return x + y; });
}

void MultiplyRows(const RowsView& a, const RowsView& b, int rows, const RowsView& out) {
  CombineRows(a, b, rows, out, [](float x, float y) { return x * y; });
}

void CrossRows(const RowsView& x0, const RowsView& y, const RowsView& x, int rows, const RowsView& out) {
  std::array<float, kBlock> space_x0;
  std::array<float, kBlock> space_y;
  std::array<float, kBlock> space_x;
  for (int row = 0; row < rows; ++row) {
    WriteBlocks(out, row, [&](int begin, int count, float* to) {
      const float* first = Floats(x0, row, begin, count, space_x0.data());
      const float* factor = Floats(y, row, begin, count, space_y.data());
      const float* before = Floats(x, row, begin, count, space_x.data());
      for (int i = 0; i < count; ++i) to[i] = before[i] + first[i] * factor[i];
    });
  }
}

void ConcatRows(const RowsView& a, int count, const RowsView& b, int rows, const RowsView& out) {
  std::array<float, kBlock> space;
  const auto copy = [&](const RowsView& from, int row, int columns, int to) {
    for (int begin = 0; begin < columns; begin += kBlock) {
      const int block = std::min(kBlock, columns - begin);
      StoreColumns(Floats(from, row, begin, block, space.data()), block, out, row, to + begin);
    }
  };
  for (int row = 0; row < rows; ++row) {
    copy(a, row, count, 0);
    copy(b, row, out.width - count, count);
  }
}

void ClearColumns(const RowsView& x, int begin, int first, int end) {
  for (int row = first; row < end && begin < x.width; ++row) {
    if (x.bfloat16) {
      std::fill_n(x.halves(row) + begin, x.width - begin, BFloat16());
    } else {
      std::fill_n(x.floats(row) + begin, x.width - begin, 0.0f);
    }
  }
}

void PairProducts(const RowsView& x, int count, int rows, const RowsView& out) {
  std::array<float, kBlock> space;
  std::array<float, kBlock> squares;
  for (int row = 0; row < rows; ++row) {
    // The square of the sum holds every product twice and each square once.
    WriteBlocks(out, row, [&](int begin, int width, float* sum) {
      std::fill_n(sum, width, 0.0f);
      std::fill_n(squares.data(), width, 0.0f);
      for (int vector = 0; vector < count; ++vector) {
        const float* values = Floats(x, row, vector * out.width + begin, width, space.data());
        for (int i = 0; i < width; ++i) {
          sum[i] += values[i];
          squares[i] += values[i] * values[i];
        }
      }
      for (int i = 0; i < width; ++i) sum[i] = (sum[i] * sum[i] - squares[i]) * 0.5f;
    });
  }
}

void DotRows(const RowsView& in, int count, const float* weights, const float* bias, int rows, const RowsView& out) {
  std::array<float, kBlock> space;
  for (int row = 0; row < rows; ++row) {
    float* to = out.floats(row);
    std::copy(bias, bias + out.width, to);
    for (int begin = 0; begin < count; begin += kBlock) {
      const int block = std::min(kBlock, count - begin);
      const float* values = Floats(in, row, begin, block, space.data());
      for (int o = 0; o < out.width; ++o) to[o] += Dot(values, weights + int64_t{o} * count + begin, block);
    }
  }
}

}  // namespace polyscene
