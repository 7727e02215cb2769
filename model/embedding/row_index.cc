#include "model/embedding/row_index.h"

namespace polyscene {
namespace {

constexpr uint64_t kFirstCapacity = 1024;

// Ids may be small integers in sequence, and linear probing wants them spread (the finalizer of SplitMix64).
uint64_t Spread(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

RowIndexSlots::RowIndexSlots(uint64_t capacity) : mask_(capacity - 1), slots_(new Slot[capacity]) {}

uint32_t RowIndexSlots::Find(uint64_t id) const {
  for (uint64_t i = Spread(id) & mask_;; i = (i + 1) & mask_) {
    const Slot& slot = slots_[i];
    const uint32_t row_plus_1 = slot.row_plus_1.load(std::memory_order_acquire);
    if (row_plus_1 == 0) return kNoRow;
    if (slot.id.load(std::memory_order_relaxed) == id) return row_plus_1 - 1;
  }
}

void RowIndexSlots::Prefetch(uint64_t id) const { __builtin_prefetch(&slots_[Spread(id) & mask_]); }

void RowIndexSlots::Insert(uint64_t id, uint32_t row) {
  uint64_t i = Spread(id) & mask_;
  while (slots_[i].row_plus_1.load(std::memory_order_relaxed) != 0) i = (i + 1) & mask_;
  slots_[i].id.store(id, std::memory_order_relaxed);
  slots_[i].row_plus_1.store(row + 1, std::memory_order_release);
}

RowIndex::RowIndex() : capacity_(kFirstCapacity), slots_(std::make_shared<RowIndexSlots>(kFirstCapacity)) {}

void RowIndex::Insert(uint64_t id, uint32_t row) {
  if ((size_ + 1) * 8 > capacity_ * 5) Grow(capacity_ * 2);
  slots_->Insert(id, row);
  ++size_;
}

void RowIndex::Reserve(uint64_t entries) {
  uint64_t capacity = capacity_;
  while (entries * 8 > capacity * 5) capacity *= 2;
  if (capacity > capacity_) Grow(capacity);
}

void RowIndex::Grow(uint64_t capacity) {
  auto larger = std::make_shared<RowIndexSlots>(capacity);
  ForEach([&larger](uint64_t id, uint32_t row) { larger->Insert(id, row); });
  slots_ = std::move(larger);
  capacity_ = capacity;
}

}  // namespace polyscene
