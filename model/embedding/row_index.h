// From ids to row numbers, for one embedding table: collisionless, growing, read without locks while it grows.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace polyscene {

inline constexpr uint32_t kNoRow = 0xffffffff;

// Linear probing in an array of slots, at most 5/8 full. Entries are only ever added, so a reader of an array finds
// everything that was in it when it took it; what was added since is told apart by its row number (see RowStore).
class RowIndexSlots {
 public:
  explicit RowIndexSlots(uint64_t capacity);  // A power of two.

  uint32_t Find(uint64_t id) const;  // kNoRow if absent. Any thread.
  void Prefetch(uint64_t id) const;  // Asks for the memory that Find() and Insert() will want.

 private:
  friend class RowIndex;
  struct Slot {
    std::atomic<uint64_t> id{0};
    std::atomic<uint32_t> row_plus_1{0};  // 0: empty. Stored after `id`, so who sees it sees the id too.
  };
  void Insert(uint64_t id, uint32_t row);  // The writer alone; `id` is absent and there is room.

  const uint64_t mask_;
  const std::unique_ptr<Slot[]> slots_;
};

// Threads: one writer. Readers use the array that slots() handed out; an array that growth replaced stays valid for
// them.
class RowIndex {
 public:
  RowIndex();

  uint32_t Find(uint64_t id) const { return slots_->Find(id); }
  void Insert(uint64_t id, uint32_t row);  // `id` is absent.
  void Reserve(uint64_t entries);          // Makes room for so many in all, so that until then nothing grows.
  void Prefetch(uint64_t id) const { slots_->Prefetch(id); }

  // Calls fn(id, row) for each entry, in no particular order.
  template <typename Fn>
  void ForEach(Fn&& fn) const {
    for (uint64_t i = 0; i < capacity_; ++i) {
      const RowIndexSlots::Slot& slot = slots_->slots_[i];
      const uint32_t row_plus_1 = slot.row_plus_1.load(std::memory_order_relaxed);
      if (row_plus_1 != 0) fn(slot.id.load(std::memory_order_relaxed), row_plus_1 - 1);
    }
  }

  uint64_t size() const { return size_; }
  uint64_t memory_bytes() const { return capacity_ * sizeof(RowIndexSlots::Slot); }
  std::shared_ptr<const RowIndexSlots> slots() const { return slots_; }

 private:
  void Grow(uint64_t capacity);

  uint64_t size_ = 0;
  uint64_t capacity_;
  std::shared_ptr<RowIndexSlots> slots_;
};

}  // namespace polyscene
