// Which page holds which rows: a tree that is copied on write, so that a view of it costs its root alone.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/embedding/block_pool.h"
#include "model/embedding/growing_array.h"

namespace polyscene {

inline constexpr int64_t kRowsPerPage = 8;  // Small pages copy little on a first touch; gathers lose 3 % against 16.

// The pages as they are, or in a copy of this, as they were. A copy costs 4 bytes for each half million rows; it may be
// read by any thread until the writer is told that it has ended (ViewLease).
//
// Three levels: the root, branches and leaves. All nodes lie in one memory of huge pages, where rows in no order find
// theirs without a walk through the system's own page table; the branches of 50 million rows fit the second cache.
class PageMap {
 public:
  // Where pages stand, small enough to be kept in registers by who looks up many. Valid as long as the map is there and
  // the writer leaves it as it is.
  class Reader {
   public:
    const uint32_t* EntryOf(uint64_t index) const {
      const uint32_t branch = root_[index / kBranchPages];
      const uint32_t leaf = nodes_[Place(branch, index / kNodeEntries)];
      return nodes_ + Place(leaf, index);
    }
    const uint32_t* Entry(uint32_t row) const { return EntryOf(row / kRowsPerPage); }

   private:
    friend class PageMap;
    Reader(const uint32_t* root, const uint32_t* nodes) : root_(root), nodes_(nodes) {}
    const uint32_t* root_;
    const uint32_t* nodes_;
  };
  Reader reader() const { return {root_.data(), nodes_}; }

  uint64_t size() const { return size_; }  // Pages.
  uint32_t page(uint64_t index) const { return *reader().EntryOf(index); }

  // Row number to position in the arena, in rows.
  uint64_t Position(uint32_t row) const { return Position(Entry(row), row); }

  // The same in two steps, for who asks for memory ahead. The first reads what is hot and tells where the page's number
  // stands, which may be far away; to keep that costs less than to find it twice.
  const uint32_t* Entry(uint32_t row) const { return reader().Entry(row); }
  static uint64_t Position(const uint32_t* entry, uint32_t row) {
    return uint64_t{*entry} * kRowsPerPage + row % kRowsPerPage;
  }

 private:
  friend class PageTable;
  static constexpr int kNodeBits = 8;  // A first touch copies a leaf of a kilobyte, beside the page itself.
  static constexpr uint64_t kNodeEntries = uint64_t{1} << kNodeBits;
  static constexpr uint64_t kBranchPages = kNodeEntries * kNodeEntries;

  static uint64_t Place(uint32_t node, uint64_t entry) {
    return uint64_t{node} << kNodeBits | (entry & (kNodeEntries - 1));
  }

  uint64_t size_ = 0;
  std::vector<uint32_t> root_;  // Branches.
  const uint32_t* nodes_ = nullptr;
  std::shared_ptr<GrowingArray<uint32_t>> memory_;  // Of nodes_: entries of a branch are leaves, of a leaf pages.
};

// Threads: the writer. `epoch` grows with each copy of map() that is handed out; nodes from before the current one may
// be shared, so the writer copies them instead of changing them.
class PageTable {
 public:
  PageTable();

  const PageMap& map() const { return map_; }
  uint64_t size() const { return map_.size(); }

  // Makes room for so many Append() and Set(). Throws std::bad_alloc.
  void Reserve(uint64_t appended, uint64_t set);

  void Append(uint32_t page, uint64_t epoch);
  void Set(uint64_t index, uint32_t page, uint64_t epoch);

  // Nodes that no living view holds are used again.
  void Reclaim(const LivingViews& living) { pool_.Reclaim(living); }

  uint64_t nodes_in_use() const { return pool_.in_use(); }  // Replaced ones that views hold included.
  uint64_t memory_bytes() const { return pool_.count() * kNodeBytes; }
  static uint64_t BytesFor(uint64_t pages) { return NodesFor(pages) * kNodeBytes; }  // Of what no view shares.

 private:
  static constexpr uint64_t kNodeBytes = PageMap::kNodeEntries * sizeof(uint32_t) + sizeof(uint64_t);  // And its birth.
  static uint64_t NodesFor(uint64_t pages) {
    return (pages + PageMap::kNodeEntries - 1) / PageMap::kNodeEntries +
           (pages + PageMap::kBranchPages - 1) / PageMap::kBranchPages;
  }

  uint32_t TakeNode(uint64_t epoch);
  uint32_t Writable(uint32_t node, uint64_t epoch);  // The node itself, or a copy where a view may hold it.

  PageMap map_;
  BlockPool pool_;
};

}  // namespace polyscene
