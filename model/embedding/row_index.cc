#include "model/embedding/row_index.h"

namespace polyscene {
namespace {

constexpr uint64_t kFirstCapacity = 1024;

constexpr auto kEverySlot = [](uint32_t, uint32_t) { return true; };

}  // namespace

RowIndexSlots::RowIndexSlots(uint64_t capacity)
    : mask_(capacity - 1),
      memory_(static_cast<int64_t>(capacity * sizeof(Slot))),
      slots_(static_cast<Slot*>(memory_.data())) {}

bool RowIndexSlots::Add(uint64_t hint) {
  uint64_t i = (hint >> 32) & mask_;
  for (;; i = (i + 1) & mask_) {
    const uint64_t there = slots_[i].hint.load(std::memory_order_relaxed);
    if (there == hint) return false;
    if (there == 0) break;
  }
  slots_[i].hint.store(hint, std::memory_order_release);
  return true;
}

RowIndex::RowIndex() : slots_(std::make_shared<RowIndexSlots>(kFirstCapacity)) {}

uint64_t RowIndex::CapacityFor(uint64_t entries) {
  uint64_t capacity = kFirstCapacity;
  while (entries * 2 > capacity) capacity *= 2;
  return capacity;
}

void RowIndex::Insert(uint64_t id, uint32_t row) {
  if (!HasRoom()) Rebuild(kEverySlot);
  used_ += slots_->Add(uint64_t{RowIndexSlots::Tag(id)} << 32 | (row + 1));
  ++size_;
}

void RowIndex::Reserve(uint64_t entries) {
  uint64_t capacity = slots_->mask_ + 1;
  while (entries * 8 > capacity * 5) capacity *= 2;
  if (capacity > slots_->mask_ + 1) Rebuild(capacity, kEverySlot);
}

}  // namespace polyscene
