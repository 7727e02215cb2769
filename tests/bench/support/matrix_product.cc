#include "tests/bench/support/matrix_product.h"

#include <omp.h>

#include <dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "model/compiled/panel_weights.h"
#include "tests/bench/support/machine.h"

namespace polyscene {
namespace {

using Format = dnnl::memory::format_tag;

constexpr MatrixProduct::Shape kShapes[] = {
    {64, 256, 1024}, {100, 256, 512}, {128, 256, 256}, {128, 512, 512}, {256, 256, 128}, {256, 256, 1024},
};
constexpr double kTrySeconds = 0.1;

float ValueAt(size_t i) { return 0.5f + 1e-3f * static_cast<float>(i % 7); }

std::vector<float> Values(int64_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < values.size(); ++i) values[i] = ValueAt(i);
  return values;
}

class OwnProduct : public MatrixProduct {
 public:
  explicit OwnProduct(Shape shape)
      : MatrixProduct(shape),
        in_(Values(shape.rows * shape.inner)),
        out_(shape.rows * shape.columns),
        weights_(Values(shape.inner * shape.columns).data(), static_cast<int>(shape.inner),
                 static_cast<int>(shape.columns)) {}

  void Multiply() override {
    weights_.Multiply(in_.data(), static_cast<int>(shape().rows), nullptr, /*relu=*/false, out_.data());
  }

 private:
  const std::vector<float> in_;
  std::vector<float> out_;
  const PanelWeights weights_;
};

class OneDnnProduct : public MatrixProduct {
 public:
  explicit OneDnnProduct(Shape shape);
  void Multiply() override {
    matmul_.execute(stream_, arguments_);
    stream_.wait();
  }

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  dnnl::matmul matmul_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

OneDnnProduct::OneDnnProduct(Shape shape) : MatrixProduct(shape) {
  omp_set_num_threads(1);
  const auto matrix = [](int64_t rows, int64_t columns, Format format) {
    return dnnl::memory::desc({rows, columns}, dnnl::memory::data_type::f32, format);
  };
  const dnnl::matmul::primitive_desc choice(
      {matrix(shape.rows, shape.inner, Format::ab), matrix(shape.inner, shape.columns, Format::any),
       matrix(shape.rows, shape.columns, Format::ab)},
      engine_);
  matmul_ = dnnl::matmul(choice);
  dnnl::memory source(choice.src_desc(), engine_);
  dnnl::memory weights(choice.weights_desc(), engine_);
  dnnl::memory plain(matrix(shape.inner, shape.columns, Format::ab), engine_);
  for (dnnl::memory* memory : {&source, &plain}) {
    auto* values = static_cast<float*>(memory->get_data_handle());
    for (size_t i = 0; i < memory->get_desc().get_size() / sizeof(float); ++i) values[i] = ValueAt(i);
  }
  dnnl::reorder(plain, weights).execute(stream_, plain, weights);
  stream_.wait();
  arguments_ = {
      {DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, dnnl::memory(choice.dst_desc(), engine_)}};
}

}  // namespace

std::unique_ptr<MatrixProduct> FastestProduct() {
  std::unique_ptr<MatrixProduct> fastest;
  double most = 0;
  const auto take_if_faster = [&](std::unique_ptr<MatrixProduct> product) {
    product->Multiply();
    int64_t times = 0;
    const Stopwatch watch;
    for (; watch.seconds() < kTrySeconds; ++times) product->Multiply();
    const double rate = static_cast<double>(times) * product->shape().operations() / watch.seconds();
    if (rate > most) {
      most = rate;
      fastest = std::move(product);
    }
  };
  for (const MatrixProduct::Shape& shape : kShapes) {
    take_if_faster(std::make_unique<OneDnnProduct>(shape));
    take_if_faster(std::make_unique<OwnProduct>(shape));
  }
  return fastest;
}

}  // namespace polyscene
