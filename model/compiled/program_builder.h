// Puts together a Program: buffers, steps, and the weights that they read.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "model/compiled/packed_weights.h"
#include "model/compiled/program.h"
#include "model/network/parameters.h"

namespace polyscene {

// What programs of one network share.
class ProgramParts {
 public:
  ProgramParts(const ParameterLayout& layout, Arithmetic arithmetic);

  const ParameterLayout& layout() const { return layout_; }
  Arithmetic arithmetic() const { return arithmetic_; }
  int Find(absl::string_view name) const;  // Index of a matrix; -1: there is none.

  int Product(const ProductShape& shape);  // Its index among shapes().
  const std::vector<ProductShape>& shapes() const { return shapes_; }
  WeightRecipes& weights() { return weights_; }

 private:
  const ParameterLayout& layout_;
  const Arithmetic arithmetic_;
  absl::flat_hash_map<std::string, int> names_;
  std::vector<ProductShape> shapes_;
  WeightRecipes weights_;
};

// A linear layer's matrices, by name: columns [begin, begin + count) of place `place`; count 0: all of them.
struct LayerName {
  std::string matrix;  // "gate.weight"
  std::string bias;    // "gate.bias"; empty: none
  int place = -1;
  int begin = 0;
  int count = 0;
};

// Where numbers go next. Products read the network's arithmetic, all else float32. So do towers where the processor has
// tiles: the rounding of what they read is the largest part of bfloat16's errors (two fifths of their variance in the
// reference model), and beside the tiles' rate a tower's layers are cheap in float32.
enum class Reader { kProduct, kTower, kRows };

// Rows in the making: a buffer, or the network's inputs, which a split program has in two parts.
struct Rows {
  int buffer = -1;
  bool inputs = false;
  int width = 0;
};

// Whether buffers that are read no more are written again. A backward pass wants them all as they were.
enum class Buffers { kReused, kKept };

class ProgramBuilder {
 public:
  // scene: whose weights overlay the shared ones (star), where it has some. tower_count: of the model.
  ProgramBuilder(ProgramParts& parts, const InputLayout& inputs, std::string scene, bool split, int tower_count,
                 Buffers buffers = Buffers::kReused);

  Rows inputs() const { return {program_.rows, true, inputs_.width}; }

  // Steps from here on are of this tower alone; -1: of every request.
  void OfTower(int tower) { tower_ = tower; }

  // Layers that read the same rows, side by side; of float32 rows come float32 ones. relu: behind it. scene_term: of a
  // gate, which learns nothing about its inputs; a row of the matrix `table` goes through `weight` and is added to the
  // bias.
  struct SceneTerm {
    std::string table;
    std::string weight;
    int row = 0;
  };
  Rows Linear(const Rows& in, const std::vector<LayerName>& layers, bool relu, Reader reader,
              const SceneTerm* scene_term = nullptr);

  Rows Mix(const std::vector<Rows>& parts, const Rows& shares, int begin, Reader reader);
  void Softmax(const Rows& in, int group);
  void Open(const Rows& in);
  Rows Add(const Rows& a, const Rows& b, Reader reader) { return Combine(Step::Kind::kAdd, a, b, reader); }
  Rows Multiply(const Rows& a, const Rows& b, Reader reader) { return Combine(Step::Kind::kMultiply, a, b, reader); }
  Rows Concat(const Rows& a, const Rows& b, Reader reader);
  Rows Cross(const Rows& x0, const Rows& y, const Rows& x, Reader reader);
  Rows PairProducts(const Rows& in, int count, int width);
  // in: for HeadReader(head).
  void Logits(int tower, const Rows& in, const LayerName& head);
  Reader HeadReader(const LayerName& head) const;

  // The rows are read no more: their memory is for others. Never the inputs.
  void Free(const Rows& rows);

  int LayerCount(absl::string_view name) const;  // Of matrices "<name>.0.weight", "<name>.1.weight" ...
  bool Has(absl::string_view name) const { return parts_.Find(name) >= 0; }

  Program Take();  // With its memory laid out.

 private:
  int Buffer(int width, bool bfloat16, bool context = false);
  bool BFloat16(Reader reader) const {
    return parts_.arithmetic() == Arithmetic::kBFloat16 &&
           (reader == Reader::kProduct || (reader == Reader::kTower && !HasBFloat16Tiles()));
  }
  MatrixColumns Columns(const std::string& name, const LayerName& layer) const;
  std::vector<MatrixColumns> BiasColumns(const std::vector<LayerName>& layers) const;
  int Matrix(const std::vector<LayerName>& layers, InputSide side, int product);
  Step& Append(Step::Kind kind);
  Step& AppendProduct(int in, int out, int product, int matrix);  // Its bias is still to be said.
  Rows Combine(Step::Kind kind, const Rows& a, const Rows& b, Reader reader);
  Rows SplitLinear(const std::vector<LayerName>& layers, bool relu, Reader reader, int width, int bias);

  ProgramParts& parts_;
  const InputLayout& inputs_;
  const std::string scene_;
  const Buffers buffers_;
  int tower_ = -1;
  Program program_;
  std::map<std::tuple<int, bool, bool>, std::vector<int>> free_;  // By width, number and side.
};

}  // namespace polyscene
