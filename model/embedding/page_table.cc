#include "model/embedding/page_table.h"

namespace polyscene {

void PageTable::Append(uint32_t page, uint64_t epoch) {
  if (size_ % kLeafPages == 0) {
    roots_.push_back(std::make_shared<Leaf>());
    roots_.back()->epoch = epoch;
  }
  // A copy never reads entries at or beyond its own size, so a shared leaf may grow at its end.
  roots_.back()->pages[size_ % kLeafPages] = page;
  ++size_;
}

void PageTable::Set(uint64_t index, uint32_t page, uint64_t epoch) {
  Writable(index / kLeafPages, epoch).pages[index % kLeafPages] = page;
}

PageTable::Leaf& PageTable::Writable(uint64_t leaf, uint64_t epoch) {
  std::shared_ptr<Leaf>& entry = roots_[leaf];
  if (entry->epoch != epoch) {
    entry = std::make_shared<Leaf>(*entry);
    entry->epoch = epoch;
  }
  return *entry;
}

}  // namespace polyscene
