#include "model/embedding/page_table.h"

#include <algorithm>
#include <utility>

namespace polyscene {

PageTable::PageTable() {
  map_.memory_ = std::make_shared<GrowingArray<uint32_t>>();
  map_.nodes_ = map_.memory_->data();
}

void PageTable::Reserve(uint64_t appended, uint64_t set) {
  // Of either, the first may open a leaf and a branch; a Set() may copy both, which it does once however many it is.
  const uint64_t copied = std::min(2 * set, NodesFor(map_.size_));
  const uint64_t nodes = pool_.count() + NodesFor(appended) + 2 + copied;
  map_.memory_->Reserve(static_cast<int64_t>(nodes * PageMap::kNodeEntries));
}

// Views read nothing at or beyond their own size, so nodes that they share may grow at their end.
void PageTable::Append(uint32_t page, uint64_t epoch) {
  const uint64_t index = map_.size_;
  if (index % PageMap::kBranchPages == 0) map_.root_.push_back(TakeNode(epoch));
  const uint64_t leaf = PageMap::Place(map_.root_.back(), index / PageMap::kNodeEntries);
  if (index % PageMap::kNodeEntries == 0) map_.memory_->Set(leaf, TakeNode(epoch));
  map_.memory_->Set(PageMap::Place(map_.nodes_[leaf], index), page);
  ++map_.size_;
}

void PageTable::Set(uint64_t index, uint32_t page, uint64_t epoch) {
  uint32_t& branch = map_.root_[index / PageMap::kBranchPages];
  branch = Writable(branch, epoch);
  const uint64_t at = PageMap::Place(branch, index / PageMap::kNodeEntries);
  const uint32_t leaf = Writable(map_.nodes_[at], epoch);
  if (leaf != map_.nodes_[at]) map_.memory_->Set(at, leaf);
  map_.memory_->Set(PageMap::Place(leaf, index), page);
}

uint32_t PageTable::TakeNode(uint64_t epoch) {
  const uint32_t node = pool_.Take(epoch);
  map_.memory_->Reserve(static_cast<int64_t>(pool_.count() * PageMap::kNodeEntries));
  return node;
}

uint32_t PageTable::Writable(uint32_t node, uint64_t epoch) {
  if (pool_.birth(node) == epoch) return node;
  const uint32_t copy = TakeNode(epoch);
  map_.memory_->Copy(PageMap::Place(node, 0), PageMap::Place(copy, 0), PageMap::kNodeEntries);
  pool_.Retire(node, epoch);
  return copy;
}

}  // namespace polyscene
