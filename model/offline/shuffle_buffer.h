// Rows waiting to be learned, handed out in random order.
#pragma once

#include <cstdint>
#include <vector>

#include "model/feature/encoded_examples.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Each row taken is drawn evenly from all that wait, so a row moves about `capacity` places from where it stood. A
// function of its seed and what is added. Memory: `capacity` rows, whatever passes through. Not thread-safe.
class ShuffleBuffer {
 public:
  // capacity: at least 1.
  ShuffleBuffer(const ModelSpec& spec, int64_t capacity, uint64_t seed);

  int64_t rows() const { return rows_; }
  int64_t room() const { return capacity_ - rows_; }

  // Adds rows [begin, end) of `examples`, no more than there is room for.
  void Add(const EncodedExamples& examples, int64_t begin, int64_t end);

  // Replaces `step` by up to `count` of the rows, which leave the buffer.
  void Take(int64_t count, EncodedExamples& step);

 private:
  struct LabelPlace {
    int width = 1;
    int64_t offset = 0;  // Into a row's labels.
  };

  void Store(const EncodedExamples& examples, int64_t row, size_t place);
  void Load(size_t place, int64_t row, EncodedExamples& step) const;

  const int64_t capacity_;
  uint64_t random_;
  std::vector<int> singles_;    // Slots with one id a row.
  std::vector<int> sequences_;  // Slots with any number.
  int64_t dense_width_;
  std::vector<LabelPlace> tasks_;
  int64_t label_width_ = 0;  // Of all tasks.

  int64_t rows_ = 0;
  std::vector<uint32_t> order_;  // Places: the first rows_ are taken, the others free. A permutation.

  // By place; row after row, so that one row is a few pieces of memory. Grown as places are first used.
  std::vector<int32_t> scenes_;
  std::vector<int64_t> times_;
  std::vector<uint64_t> ids_;                        // [places, singles]
  std::vector<float> dense_;                         // [places, dense width]
  std::vector<float> labels_;                        // [places, label width]
  std::vector<float> weights_;                       // [places, tasks]; kNoLabel where there is none.
  std::vector<std::vector<uint64_t>> sequence_ids_;  // [places * sequences]
};

}  // namespace polyscene
