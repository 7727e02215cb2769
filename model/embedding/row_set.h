// A set of rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace polyscene {

// A set of row numbers, a bit each. Not thread-safe.
class RowSet {
 public:
  void Add(uint32_t row) {
    const size_t word = row / 64;
    if (word >= words_.size()) words_.resize(word + 1 + words_.size() / 2);
    count_ += (words_[word] & Bit(row)) == 0;
    words_[word] |= Bit(row);
    lowest_ = std::min(lowest_, word);
  }

  void AddAll(const RowSet& other) {
    other.ForEach([this](uint32_t row) { Add(row); });
  }

  void Remove(uint32_t row) {
    if (!Contains(row)) return;
    words_[row / 64] &= ~Bit(row);
    --count_;
  }

  // The lowest row, which is taken out. There is one.
  uint32_t TakeLowest() {
    while (words_[lowest_] == 0) ++lowest_;
    const auto row = static_cast<uint32_t>(lowest_ * 64 + static_cast<size_t>(__builtin_ctzll(words_[lowest_])));
    Remove(row);
    return row;
  }

  // Asks for the memory that Add() and Contains() will want.
  void Prefetch(uint32_t row) const {
    if (row / 64 < words_.size()) __builtin_prefetch(&words_[row / 64]);
  }

  bool Contains(uint32_t row) const { return row / 64 < words_.size() && (words_[row / 64] & Bit(row)) != 0; }
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
  RowSet Take() { return std::exchange(*this, RowSet()); }

 private:
  static uint64_t Bit(uint32_t row) { return uint64_t{1} << (row % 64); }

  std::vector<uint64_t> words_;
  uint64_t count_ = 0;
  size_t lowest_ = SIZE_MAX;  // No word before it has a row.
};

}  // namespace polyscene
