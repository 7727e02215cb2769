#include "model/fused/backward_kernels.h"

#include <vector>

#include "model/compiled/processor_clones.h"

namespace polyscene {
namespace {

POLYSCENE_FOR_EACH_PROCESSOR
void Mask(const float* __restrict out, int64_t count, float* __restrict gradient) {
  for (int64_t i = 0; i < count; ++i) gradient[i] = out[i] > 0 ? gradient[i] : 0.0f;
}

POLYSCENE_FOR_EACH_PROCESSOR
void Add(const float* __restrict from, int count, float* __restrict to) {
  for (int i = 0; i < count; ++i) to[i] += from[i];
}

POLYSCENE_FOR_EACH_PROCESSOR
void AddScaled(const float* __restrict from, float factor, int count, float* __restrict to) {
  for (int i = 0; i < count; ++i) to[i] += from[i] * factor;
}

POLYSCENE_FOR_EACH_PROCESSOR
void AddProduct(const float* a, const float* b, int count, float* __restrict to) {
  for (int i = 0; i < count; ++i) to[i] += a[i] * b[i];
}

POLYSCENE_FOR_EACH_PROCESSOR
void OpenBackward(const float* __restrict out, int64_t count, float* __restrict gradient) {
  for (int64_t i = 0; i < count; ++i) gradient[i] *= out[i] * (1.0f - 0.5f * out[i]);
}

}  // namespace

void MaskByRelu(const RowsView& out, int rows, const RowsView& gradient) {
  Mask(out.floats(0), int64_t{rows} * out.width, gradient.floats(0));
}

void AddColumnSums(const RowsView& gradient, int rows, int begin, int count, float* to) {
  for (int row = 0; row < rows; ++row) Add(gradient.floats(row) + begin, count, to);
}

void SoftmaxGroupsBackward(const RowsView& out, int rows, int group, const RowsView& gradient) {
  const int64_t groups = int64_t{rows} * (out.width / group);
  const float* p = out.floats(0);
  float* g = gradient.floats(0);
  for (int64_t i = 0; i < groups; ++i, p += group, g += group) {
    float mean = 0;
    for (int j = 0; j < group; ++j) mean += p[j] * g[j];
    for (int j = 0; j < group; ++j) g[j] = p[j] * (g[j] - mean);
  }
}

void OpenGatesBackward(const RowsView& out, int rows, const RowsView& gradient) {
  OpenBackward(out.floats(0), int64_t{rows} * out.width, gradient.floats(0));
}

void MixRowsBackward(const RowsView& gradient, absl::Span<const RowsView> parts, const RowsView& shares, int begin,
                     int rows, absl::Span<const RowsView> part_gradients, const RowsView& share_gradients) {
  for (int row = 0; row < rows; ++row) {
    const float* of_out = gradient.floats(row);
    for (size_t p = 0; p < parts.size(); ++p) {
      const int column = begin + static_cast<int>(p);
      share_gradients.floats(row)[column] += Dot(of_out, parts[p].floats(row), gradient.width);
      AddScaled(of_out, shares.floats(row)[column], gradient.width, part_gradients[p].floats(row));
    }
  }
}

void AddColumns(const RowsView& from, int begin, int rows, const RowsView& to) {
  for (int row = 0; row < rows; ++row) Add(from.floats(row) + begin, to.width, to.floats(row));
}

void AddProducts(const RowsView& a, const RowsView& b, int rows, const RowsView& to) {
  for (int row = 0; row < rows; ++row) AddProduct(a.floats(row), b.floats(row), to.width, to.floats(row));
}

void PairProductsBackward(const RowsView& gradient, const RowsView& x, int count, int rows, const RowsView& to) {
  const int width = gradient.width;
  std::vector<float> sum(width);
  for (int row = 0; row < rows; ++row) {
    sum.assign(width, 0.0f);
    for (int v = 0; v < count; ++v) Add(x.floats(row) + v * width, width, sum.data());
    const float* of_out = gradient.floats(row);
    for (int v = 0; v < count; ++v) {
      // Each vector is multiplied with the sum of all others.
      const float* own = x.floats(row) + v * width;
      float* own_gradient = to.floats(row) + v * width;
      for (int i = 0; i < width; ++i) own_gradient[i] += of_out[i] * (sum[i] - own[i]);
    }
  }
}

}  // namespace polyscene
