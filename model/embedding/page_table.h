// Which page holds which rows: two levels, copied on write, so that a copy costs its root alone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace polyscene {

inline constexpr int64_t kRowsPerPage = 8;  // Small pages copy little on a first touch; gathers lose 3 % against 16.

// Copying shares the leaves. The writer replaces a leaf that is older than the last copy instead of changing it.
class PageTable {
 public:
  uint32_t page(uint64_t index) const { return roots_[index / kLeafPages]->pages[index % kLeafPages]; }
  uint64_t size() const { return size_; }

  // Row number to position in the arena, in rows.
  uint64_t Position(uint32_t row) const {
    return uint64_t{page(row / kRowsPerPage)} * kRowsPerPage + row % kRowsPerPage;
  }

  // Asks for the memory that Position() will want.
  void Prefetch(uint32_t row) const {
    const uint64_t index = row / kRowsPerPage;
    __builtin_prefetch(&roots_[index / kLeafPages]->pages[index % kLeafPages]);
  }

  // The writer alone. `epoch` grows with each copy handed out.
  void Append(uint32_t page, uint64_t epoch);
  void Set(uint64_t index, uint32_t page, uint64_t epoch);

  uint64_t memory_bytes() const { return BytesFor(size_); }
  static uint64_t BytesFor(uint64_t pages) { return (pages + kLeafPages - 1) / kLeafPages * sizeof(Leaf); }

 private:
  static constexpr uint64_t kLeafPages = 1024;
  struct Leaf {
    uint64_t epoch = 0;  // When it was made: leaves from before the current epoch may be shared.
    std::array<uint32_t, kLeafPages> pages;
  };
  Leaf& Writable(uint64_t leaf, uint64_t epoch);

  uint64_t size_ = 0;  // Pages.
  std::vector<std::shared_ptr<Leaf>> roots_;
};

}  // namespace polyscene
