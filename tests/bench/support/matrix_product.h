// A plain matrix product through oneDNN, at its best: what the arithmetic of a forward is measured against.
#pragma once

#include <cstdint>
#include <memory>

namespace polyscene {

// [rows, inner] x [inner, columns] in fp32 on one thread, the second factor packed beforehand as oneDNN likes it.
class MatrixProduct {
 public:
  struct Shape {
    int64_t rows = 0;
    int64_t inner = 0;
    int64_t columns = 0;
    double operations() const { return 2.0 * static_cast<double>(rows * inner * columns); }
  };
  explicit MatrixProduct(Shape shape);
  ~MatrixProduct();

  void Multiply();
  const Shape& shape() const { return shape_; }

 private:
  struct Primitive;
  const Shape shape_;
  const std::unique_ptr<Primitive> primitive_;
};

// Of several shapes whose factors stay in the caches, the one that reached the most operations a second just now.
std::unique_ptr<MatrixProduct> FastestProduct();

}  // namespace polyscene
