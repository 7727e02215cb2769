// From ids to row numbers, for one embedding table: collisionless, growing, read without locks while it grows.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/types/span.h"
#include "model/embedding/reserved_memory.h"

namespace polyscene {

inline constexpr uint32_t kNoRow = 0xffffffff;

// Hints of where an id's row may be, by linear probing: a slot of 8 bytes has a row number and 32 bits of its id's
// hash. Whether the row is the id's is for the rows to tell, each of which carries its id, so that another id with the
// same 32 bits is one look more and never a mistake.
//
// Slots are only ever added. So a reader finds every row that there was when it took the array, as long as it asks the
// rows as they were then: what was added since, and what became another id's, its rows do not know. Slots of rows that
// were let go are left behind when the writer moves on to the next array.
class RowIndexSlots {
 public:
  explicit RowIndexSlots(uint64_t capacity);  // A power of two.

  // The first row with the id's hash for which owns(row) is true; kNoRow if there is none. Any thread.
  template <typename Owns>
  uint32_t Find(uint64_t id, Owns&& owns) const {
    return FindByTag(Tag(id), owns);
  }
  template <typename Owns>
  uint32_t FindByTag(uint64_t tag, Owns&& owns) const {
    for (uint64_t i = tag & mask_;; i = (i + 1) & mask_) {
      const uint64_t hint = slots_[i].hint.load(std::memory_order_acquire);
      if (hint == 0) return kNoRow;
      if (hint >> 32 == tag && owns(RowOf(hint))) return RowOf(hint);
    }
  }

  // Asks for the memory that FindByTag() will want; then, once that is there, the row it will ask for first, or kNoRow.
  void PrefetchTag(uint32_t tag) const { __builtin_prefetch(&slots_[tag & mask_]); }
  uint32_t PeekTag(uint32_t tag) const {
    return FindByTag(tag, [](uint32_t) { return true; });
  }

  // The bits of an id's hash that its slot has. Ids may be small integers in sequence, and linear probing wants them
  // spread (the finalizer of SplitMix64).
  static uint32_t Tag(uint64_t id) {
    id = (id ^ (id >> 30)) * 0xbf58476d1ce4e5b9;
    id = (id ^ (id >> 27)) * 0x94d049bb133111eb;
    return static_cast<uint32_t>((id ^ (id >> 31)) >> 32);
  }

 private:
  friend class RowIndex;
  struct Slot {
    std::atomic<uint64_t> hint;  // The tag, and the row + 1; 0: empty.
  };
  static uint32_t RowOf(uint64_t hint) { return static_cast<uint32_t>(hint) - 1; }

  // Whether a slot was taken: none is where the same hint is there already. The writer alone; there is room.
  bool Add(uint64_t hint);

  const uint64_t mask_;
  const ReservedMemory memory_;
  Slot* const slots_;  // Zeros, which the memory begins with, are empty slots.
};

// Threads: one writer. Readers use the array that slots() handed out; an array that another replaced stays valid for
// them.
class RowIndex {
 public:
  RowIndex();

  template <typename Owns>
  uint32_t Find(uint64_t id, Owns&& owns) const {
    return slots_->Find(id, owns);
  }

  // `id`, which has no row, has `row` now. Where ids lost their rows, Rebuild() goes before an Insert() without room.
  void Insert(uint64_t id, uint32_t row);

  void Forget() { --size_; }  // An id lost its row. Its slot stays until Rebuild().

  bool HasRoom() const { return (used_ + 1) * 8 <= (slots_->mask_ + 1) * 5; }  // For one more without a new array.

  // Moves on to an array that is at most half full, with the slots for which is_live(row, tag): whose row is still that
  // of an id of this table with the tag.
  template <typename IsLive>
  void Rebuild(IsLive&& is_live) {
    Rebuild(CapacityFor(size_), is_live);
  }

  void Reserve(uint64_t entries);  // Makes room for so many in all, so that until then nothing grows.

  uint64_t size() const { return size_; }  // Ids that have a row.
  uint64_t memory_bytes() const { return (slots_->mask_ + 1) * sizeof(RowIndexSlots::Slot); }
  std::shared_ptr<const RowIndexSlots> slots() const { return slots_; }
  const RowIndexSlots& array() const { return *slots_; }

  // Of an index that was rebuilt with so many entries. Ones that never lost any may fill it up to 5/8.
  static uint64_t BytesFor(uint64_t entries) { return CapacityFor(entries) * sizeof(RowIndexSlots::Slot); }

 private:
  static uint64_t CapacityFor(uint64_t entries);

  template <typename IsLive>
  void Rebuild(uint64_t capacity, IsLive&& is_live) {
    auto next = std::make_shared<RowIndexSlots>(capacity);
    used_ = 0;
    for (uint64_t i = 0; i <= slots_->mask_; ++i) {
      const uint64_t hint = slots_->slots_[i].hint.load(std::memory_order_relaxed);
      if (hint != 0 && is_live(RowIndexSlots::RowOf(hint), static_cast<uint32_t>(hint >> 32))) used_ += next->Add(hint);
    }
    slots_ = std::move(next);
  }

  uint64_t size_ = 0;
  uint64_t used_ = 0;  // Slots that are taken.
  std::shared_ptr<RowIndexSlots> slots_;
};

// The rows of `ids` in one table, kNoRow where there is none. Each id is four steps away, each in memory that only the
// one before tells: its slot, the page of the row that this names, and whose that row is. So ids go in blocks, each a
// step behind the next one, and what a step told is kept for the next.
// Rows: RowStore or FrozenRows.
template <typename Rows>
void FindRows(const RowIndexSlots& slots, const Rows& rows, uint32_t table, absl::Span<const uint64_t> ids,
              absl::Span<uint32_t> found) {
  constexpr size_t kIdsAtOnce = 32;
  constexpr size_t kSteps = 4;
  struct Search {
    uint32_t tag;
    uint32_t guess;         // The row to be asked first; kNoRow: none that was there.
    const uint32_t* entry;  // Of its page,
    uint64_t place;         // and where it is.
  };
  std::array<std::array<Search, kIdsAtOnce>, kSteps> blocks;
  const uint32_t row_count = rows.row_count();
  const auto for_block = [&](size_t number, auto&& step) {  // Numbers that never were, such as -1, are beyond the end.
    if (number >= (ids.size() + kIdsAtOnce - 1) / kIdsAtOnce) return;
    const size_t end = std::min((number + 1) * kIdsAtOnce, ids.size());
    for (size_t i = number * kIdsAtOnce; i < end; ++i) step(i, blocks[number % kSteps][i % kIdsAtOnce]);
  };
  const auto begin = [&](size_t i, Search& search) {
    search.tag = RowIndexSlots::Tag(ids[i]);
    slots.PrefetchTag(search.tag);
  };
  const auto guess = [&](size_t, Search& search) {
    const uint32_t row = slots.PeekTag(search.tag);
    search.guess = row < row_count ? row : kNoRow;
    if (search.guess == kNoRow) return;
    search.entry = rows.PageEntry(row);
    __builtin_prefetch(search.entry);
  };
  const auto approach = [&](size_t, Search& search) {
    if (search.guess == kNoRow) return;
    search.place = Rows::Place(search.entry, search.guess);
    rows.PrefetchOwner(search.place);
  };
  const auto finish = [&](size_t i, const Search& search) {
    const auto owns = [&](uint32_t row) { return row < row_count && rows.Owns(row, table, ids[i]); };
    const bool guessed = search.guess != kNoRow && rows.OwnsAt(search.place, table, ids[i]);
    found[i] = guessed ? search.guess : slots.FindByTag(search.tag, owns);
  };
  for (size_t turn = 0; turn < (ids.size() + kIdsAtOnce - 1) / kIdsAtOnce + kSteps - 1; ++turn) {
    for_block(turn, begin);
    for_block(turn - 1, guess);
    for_block(turn - 2, approach);
    for_block(turn - 3, finish);
  }
}

}  // namespace polyscene
