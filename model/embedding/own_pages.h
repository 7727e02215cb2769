// Which pages the writer need not copy before it changes them.
#pragma once

#include <cstdint>
#include <vector>

#include "model/embedding/row_set.h"

namespace polyscene {

// Pages, by their index in the page table, that no view holds: those that were copied or added since the last view was
// frozen. What a Freeze() costs follows the copied ones. Not thread-safe.
class OwnPages {
 public:
  bool Contains(uint32_t index) const { return index >= frozen_ || set_.Contains(index); }

  // It was copied. None that is contained.
  void Add(uint32_t index) {
    set_.Add(index);
    copied_.push_back(index);
  }

  // A view has all `pages` from now on.
  void Freeze(uint64_t pages) {
    for (const uint32_t index : copied_) set_.Remove(index);
    copied_.clear();
    frozen_ = pages;
  }

 private:
  uint64_t frozen_ = 0;           // Those from here on were added since.
  RowSet set_;                    // Of those before it, the copied ones,
  std::vector<uint32_t> copied_;  // and in the order in which they were.
};

}  // namespace polyscene
