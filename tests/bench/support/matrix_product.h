// A plain matrix product at its best, oneDNN's or our own: what the arithmetic of a forward is measured against.
#pragma once

#include <cstdint>
#include <memory>

namespace polyscene {

// [rows, inner] x [inner, columns] in fp32 on one thread, the second factor packed beforehand.
class MatrixProduct {
 public:
  struct Shape {
    int64_t rows = 0;
    int64_t inner = 0;
    int64_t columns = 0;
    double operations() const { return 2.0 * static_cast<double>(rows * inner * columns); }
  };
  explicit MatrixProduct(Shape shape) : shape_(shape) {}
  virtual ~MatrixProduct() = default;
  MatrixProduct(const MatrixProduct&) = delete;
  MatrixProduct& operator=(const MatrixProduct&) = delete;

  virtual void Multiply() = 0;
  const Shape& shape() const { return shape_; }

 private:
  const Shape shape_;
};

// Of both ways and several shapes whose factors stay in the caches, the one that reached the most operations a second
// just now.
std::unique_ptr<MatrixProduct> FastestProduct();

}  // namespace polyscene
