// A scene's network as a list of steps over buffers of rows: what the compiled forward runs.
#pragma once

#include <cstddef>
#include <vector>

#include "model/compiled/input_layout.h"
#include "model/compiled/packed_product.h"

namespace polyscene {

// Rows that one step writes and others read.
struct BufferSpec {
  int width = 0;
  bool bfloat16 = false;
  bool context = false;  // One row a request; else one a candidate.
};

struct Step {
  enum class Kind {
    kProduct,       // out = act(in W + bias)
    kDot,           // out = in's first `count` columns W + bias, of few outputs
    kSoftmax,       // in, by groups of `count` columns, in place
    kMix,           // out = the sum of parts[i] * with[begin + i]
    kOpen,          // in = 2 sigmoid(in), in place
    kAdd,           // out = in + with
    kMultiply,      // out = in * with
    kConcat,        // out = in's first `count` columns, with side by side
    kCross,         // out = in + first * with
    kPairProducts,  // out = the sum of the products of every two of in's first `count` vectors
  };
  Kind kind = Kind::kProduct;
  int tower = -1;  // Wanted only where this one of ModelSpec::towers() is; -1: always.
  int in = -1;     // These four and `parts` are indexes into Program::buffers.
  int with = -1;
  int first = -1;
  int out = -1;
  std::vector<int> parts;
  int begin = 0;
  int count = 0;
  int product = -1;     // Index into CompiledNetwork::products().
  int matrix = -1;      // Of kProduct: index into PackedWeights::matrices.
  int vector = -1;      // Of kProduct and kDot: the bias, index into PackedWeights::vectors; -1: none of the weights'.
  int dot_vector = -1;  // Of kDot: its weights, likewise.
  bool detached = false;  // Of kProduct: no gradient flows back into `in` through it.
  int bias_buffer = -1;   // Of kProduct: the bias is what the context made of it, a context buffer.
};

// What is computed once a request and once a row. Split: the first layers' inputs are those of the candidates alone,
// and what the context adds to them is their bias. Whole: rows have all their inputs, and requests can share a product.
struct Program {
  bool split = false;
  int context = -1;  // Buffer that takes a request's inputs; -1 in whole programs.
  int rows = -1;     // Buffer that takes each row's. Columns of either that are no inputs are to be zeros.
  std::vector<BufferSpec> buffers;
  std::vector<size_t> offsets;  // [buffers] where each lies in a workspace, in bytes,
  size_t bytes = 0;             // and what all of them need.
  std::vector<Step> context_steps;
  std::vector<Step> steps;
  std::vector<int> logits;  // [ModelSpec::towers()] buffer; -1: not of the scene.
};

}  // namespace polyscene
