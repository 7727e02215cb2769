// Which rows changed.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace polyscene {

// A set of row numbers, a bit each. Not thread-safe.
class TouchedRows {
 public:
  void Add(uint32_t row) {
    const size_t word = row / 64;
    if (word >= words_.size()) words_.resize(word + 1 + words_.size() / 2);
    const uint64_t bit = uint64_t{1} << (row % 64);
    count_ += (words_[word] & bit) == 0;
    words_[word] |= bit;
  }

  void AddAll(const TouchedRows& other) {
    other.ForEach([this](uint32_t row) { Add(row); });
  }

  uint64_t count() const { return count_; }

  // Calls fn(row) for each, ascending.
  template <typename Fn>
  void ForEach(Fn&& fn) const {
    for (size_t word = 0; word < words_.size(); ++word) {
      for (uint64_t bits = words_[word]; bits != 0; bits &= bits - 1) {
        fn(static_cast<uint32_t>(word * 64 + static_cast<size_t>(__builtin_ctzll(bits))));
      }
    }
  }

  // The rows, leaving none.
  TouchedRows Take() { return std::exchange(*this, TouchedRows()); }

 private:
  std::vector<uint64_t> words_;
  uint64_t count_ = 0;
};

}  // namespace polyscene
