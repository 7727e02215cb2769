#include "tests/bench/support/matrix_product.h"

#include <omp.h>

#include <dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "tests/bench/support/machine.h"

namespace polyscene {
namespace {

using Format = dnnl::memory::format_tag;

constexpr MatrixProduct::Shape kShapes[] = {
    {64, 256, 1024}, {100, 256, 512}, {128, 256, 256}, {128, 512, 512}, {256, 256, 128}, {256, 256, 1024},
};
constexpr double kTrySeconds = 0.1;

}  // namespace

struct MatrixProduct::Primitive {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::matmul matmul;
  std::unordered_map<int, dnnl::memory> arguments;
};

MatrixProduct::MatrixProduct(Shape shape) : shape_(shape), primitive_(std::make_unique<Primitive>()) {
  omp_set_num_threads(1);
  const auto matrix = [](int64_t rows, int64_t columns, Format format) {
    return dnnl::memory::desc({rows, columns}, dnnl::memory::data_type::f32, format);
  };
  Primitive& p = *primitive_;
  const dnnl::matmul::primitive_desc choice(
      {matrix(shape.rows, shape.inner, Format::ab), matrix(shape.inner, shape.columns, Format::any),
       matrix(shape.rows, shape.columns, Format::ab)},
      p.engine);
  p.matmul = dnnl::matmul(choice);
  dnnl::memory source(choice.src_desc(), p.engine);
  dnnl::memory weights(choice.weights_desc(), p.engine);
  dnnl::memory plain(matrix(shape.inner, shape.columns, Format::ab), p.engine);
  for (dnnl::memory* memory : {&source, &plain}) {
    auto* values = static_cast<float*>(memory->get_data_handle());
    for (size_t i = 0; i < memory->get_desc().get_size() / sizeof(float); ++i) values[i] = 0.5f + 1e-3f * (i % 7);
  }
  dnnl::reorder(plain, weights).execute(p.stream, plain, weights);
  p.stream.wait();
  p.arguments = {
      {DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, dnnl::memory(choice.dst_desc(), p.engine)}};
}

MatrixProduct::~MatrixProduct() = default;

void MatrixProduct::Multiply() {
  primitive_->matmul.execute(primitive_->stream, primitive_->arguments);
  primitive_->stream.wait();
}

std::unique_ptr<MatrixProduct> FastestProduct() {
  std::unique_ptr<MatrixProduct> fastest;
  double most = 0;
  for (const MatrixProduct::Shape& shape : kShapes) {
    auto product = std::make_unique<MatrixProduct>(shape);
    product->Multiply();
    int64_t times = 0;
    const Stopwatch watch;
    for (; watch.seconds() < kTrySeconds; ++times) product->Multiply();
    const double rate = static_cast<double>(times) * shape.operations() / watch.seconds();
    if (rate > most) {
      most = rate;
      fastest = std::move(product);
    }
  }
  return fastest;
}

}  // namespace polyscene
