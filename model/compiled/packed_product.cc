#include "model/compiled/packed_product.h"

#include <cassert>

namespace polyscene {
namespace {

constexpr int kPackedForRows = 64;  // How weights lie is asked for a middling number; others take them so.

// oneDNN's handle of this processor. It has no state that anyone could change.
const dnnl::engine& Cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::data_type TypeOf(bool bfloat16) {
  return bfloat16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

dnnl::memory::desc Rows(int rows, int width, bool bfloat16) {
  return {{rows, width}, TypeOf(bfloat16), dnnl::memory::format_tag::ab};
}

bool Has(dnnl::cpu_isa wanted) {
  const auto have = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  return (have & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
}

constexpr dnnl::cpu_isa kAmx = dnnl::cpu_isa::avx512_core_amx;

}  // namespace

bool HasFastBFloat16() { return Has(dnnl::cpu_isa::avx512_core_bf16); }

bool HasBFloat16Tiles() { return Has(kAmx); }

std::string ProductInstructions(Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::kFloat32 || !HasFastBFloat16()) return PanelInstructions();
  return HasBFloat16Tiles() ? "AVX-512 with AMX" : "AVX-512 with bfloat16";
}

PackedProduct::PackedProduct(const ProductShape& shape) : shape_(shape) {
  assert(shape_.arithmetic == Arithmetic::kBFloat16 || !shape_.bfloat16_out);
  if (shape_.arithmetic == Arithmetic::kFloat32) return;
  const dnnl::memory::desc any({shape_.inputs, shape_.outputs}, dnnl::memory::data_type::bf16,
                               dnnl::memory::format_tag::any);
  const int size = SizeFor(kPackedForRows);
  made_[size] = Make(RowsOf(size), any);
  sizes_[size].store(made_[size].get(), std::memory_order_release);
  packed_ = made_[size]->weights;
}

std::unique_ptr<PackedProduct::ForRows> PackedProduct::Make(int rows, dnnl::memory::desc weights) const {
  auto made = std::make_unique<ForRows>();
  made->in = Rows(rows, shape_.inputs, true);
  made->out = Rows(rows, shape_.outputs, shape_.bfloat16_out);
  if (shape_.bias) made->bias = Rows(1, shape_.outputs, false);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops behind;
#if DNNL_VERSION_MAJOR >= 3
  if (shape_.relu) behind.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
#else
  if (shape_.relu) behind.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
#endif
  attributes.set_post_ops(behind);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc description(Cpu(), made->in, weights, made->bias, made->out, attributes);
#else
  const dnnl::matmul::desc operation = shape_.bias ? dnnl::matmul::desc(made->in, weights, made->bias, made->out)
                                                   : dnnl::matmul::desc(made->in, weights, made->out);
  const dnnl::matmul::primitive_desc description(operation, attributes, Cpu());
#endif
  made->weights = description.weights_desc();
  made->scratchpad = description.scratchpad_desc();
  made->product = dnnl::matmul(description);
  return made;
}

const PackedProduct::ForRows& PackedProduct::OfSize(int size) const {
  const ForRows* made = sizes_[size].load(std::memory_order_acquire);
  if (made != nullptr) return *made;
  const std::lock_guard<std::mutex> lock(mu_);
  if (made_[size] == nullptr) {
    made_[size] = Make(RowsOf(size), packed_);
    sizes_[size].store(made_[size].get(), std::memory_order_release);
  }
  return *made_[size];
}

void PackedProduct::MakeAll() const {
  if (shape_.arithmetic == Arithmetic::kFloat32) return;
  for (int size = 0; size < kSizes; ++size) OfSize(size);
}

PackedMatrix PackedProduct::Pack(const float* weights) const {
  if (shape_.arithmetic == Arithmetic::kFloat32) return PanelWeights(weights, shape_.inputs, shape_.outputs);
  dnnl::memory packed(packed_, Cpu());
  dnnl::memory plain(Rows(shape_.inputs, shape_.outputs, false), Cpu(), const_cast<float*>(weights));
  dnnl::stream stream(Cpu());
  dnnl::reorder(plain, packed).execute(stream, plain, packed);
  stream.wait();
  return packed;
}

ProductRunner::ProductRunner(const std::vector<std::unique_ptr<PackedProduct>>& products)
    : products_(products), stream_(Cpu()), arguments_(products.size()) {}

std::unique_ptr<ProductRunner::Arguments> ProductRunner::MakeArguments(const PackedProduct::ForRows& of_size,
                                                                       bool with_bias) {
  auto made = std::make_unique<Arguments>();
  made->in = dnnl::memory(of_size.in, Cpu(), DNNL_MEMORY_NONE);
  made->out = dnnl::memory(of_size.out, Cpu(), DNNL_MEMORY_NONE);
  if (with_bias) made->bias = dnnl::memory(of_size.bias, Cpu(), DNNL_MEMORY_NONE);
  made->scratchpad = dnnl::memory(of_size.scratchpad, Cpu(), DNNL_MEMORY_NONE);
  constexpr size_t kAlignment = 64;
  if (const size_t wanted = of_size.scratchpad.get_size() + kAlignment; wanted > scratchpad_.size()) {
    scratchpad_.resize(wanted);
  }
  return made;
}

void ProductRunner::Run(int product, int rows, const void* in, const PackedMatrix& weights, const float* bias,
                        void* out) {
  if (const auto* halves = std::get_if<dnnl::memory>(&weights)) {
    return RunBFloat16(product, rows, in, *halves, bias, out);
  }
  std::get<PanelWeights>(weights).Multiply(static_cast<const float*>(in), rows, bias, products_[product]->shape().relu,
                                           static_cast<float*>(out));
}

void ProductRunner::RunBFloat16(int product, int rows, const void* in, const dnnl::memory& weights, const float* bias,
                                void* out) {
  const PackedProduct& packed = *products_[product];
  const int size = PackedProduct::SizeFor(rows);
  const PackedProduct::ForRows& of_size = packed.OfSize(size);
  std::unique_ptr<Arguments>& arguments = arguments_[product][size];
  if (arguments == nullptr) arguments = MakeArguments(of_size, packed.shape().bias);
  void* scratchpad = scratchpad_.data();
  size_t space = scratchpad_.size();
  std::align(64, 1, scratchpad, space);

  arguments->in.set_data_handle(const_cast<void*>(in));
  arguments->out.set_data_handle(out);
  arguments->scratchpad.set_data_handle(scratchpad);
  // By the C interface: that of C++ takes its arguments in a map of its own.
  std::array<dnnl_exec_arg_t, 5> given = {{{DNNL_ARG_SRC, arguments->in.get()},
                                           {DNNL_ARG_WEIGHTS, weights.get()},
                                           {DNNL_ARG_DST, arguments->out.get()},
                                           {DNNL_ARG_SCRATCHPAD, arguments->scratchpad.get()},
                                           {}}};
  int count = 4;
  if (packed.shape().bias) {
    arguments->bias.set_data_handle(const_cast<float*>(bias));
    given[count++] = {DNNL_ARG_BIAS, arguments->bias.get()};
  }
  dnnl::error::wrap_c_api(dnnl_primitive_execute(of_size.product.get(), stream_.get(), count, given.data()),
                          "a product could not be computed");
}

}  // namespace polyscene
