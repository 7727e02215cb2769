// Embedding rows of one dimension in device memory, on copy-on-write pages, each with the id that it is of.
//
// Rows live in pages of kRowsPerPage in one arena. The trainer, which alone writes, copies a page the first time it
// touches it after a Freeze(). A frozen view is a page table that shares every page not touched since with its
// neighbours: freezing costs the page table's root and what was touched, and all views together cost one table and
// their differences. A replaced page is used again once no living view was frozen between its birth and its
// replacement, and so are the nodes of the page table.
//
// A row that is let go is some other id's sooner or later, the lowest free row first. Whose a row is stands on its page
// beside its values, so a view tells rows that were given to others since from its own.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "model/embedding/block_pool.h"
#include "model/embedding/growing_array.h"
#include "model/embedding/growing_matrix.h"
#include "model/embedding/own_pages.h"
#include "model/embedding/page_table.h"
#include "model/embedding/row_set.h"

namespace polyscene {

// A row number that stands for "no row": Gather() writes zeros there.
inline constexpr uint32_t kZeroRow = 0xffffffff;

inline constexpr uint32_t kNoTable = 0xffffffff;

struct RowOwner {
  uint32_t table = kNoTable;  // kNoTable: the row is free.
  uint64_t id = 0;
};

// Whose each place of an arena is; in host memory, wherever the arena is.
//
// Threads: one writer; any thread reads places that the writer leaves alone.
class RowOwners {
 public:
  static constexpr uint64_t kBytes = sizeof(uint64_t) + sizeof(uint32_t);  // Of a place.

  void Reserve(int64_t places);
  void Set(uint64_t place, RowOwner owner);
  void CopyPage(uint32_t from, uint32_t to);

  RowOwner at(uint64_t place) const { return {tables_[place] - 1, ids_[place]}; }
  uint64_t id(uint64_t place) const { return ids_[place]; }
  void Prefetch(uint64_t place) const { __builtin_prefetch(&ids_[place]); }

 private:
  GrowingArray<uint64_t> ids_;
  GrowingArray<uint32_t> tables_;  // 1 more than the table's, so that 0, which fresh memory has, is a free row.
};

// Rows as they were when frozen. Any thread may read it; drop it only after device work that reads it is done.
class FrozenRows {
 public:
  ~FrozenRows();
  FrozenRows(const FrozenRows&) = delete;
  FrozenRows& operator=(const FrozenRows&) = delete;

  uint32_t row_count() const { return row_count_; }  // Rows at or beyond it did not exist then.

  // Of rows below row_count().
  RowOwner owner(uint32_t row) const { return owners_->at(Place(row)); }
  bool Owns(uint32_t row, uint32_t table, uint64_t id) const { return OwnsAt(Place(row), table, id); }

  // The same in steps, for who asks for memory ahead: what tells where the row is, as of PageMap, then where it is,
  // then whose that place is, which wants PrefetchOwner().
  const uint32_t* PageEntry(uint32_t row) const { return pages_.Entry(row); }
  uint64_t Place(uint32_t row) const { return pages_.Position(row); }
  static uint64_t Place(const uint32_t* entry, uint32_t row) { return PageMap::Position(entry, row); }
  void PrefetchOwner(uint64_t place) const { owners_->Prefetch(place); }
  bool OwnsAt(uint64_t place, uint32_t table, uint64_t id) const {
    return owners_->id(place) == id && (keeps_owners_ || owners_->at(place).table == table);
  }

  // Where a row below row_count() stands in the arena, [>= places, dimension] on the store's device. Others may write
  // places beside it meanwhile.
  uint64_t place(uint32_t row) const { return pages_.Position(row); }
  const torch::Tensor& arena() const { return arena_; }

  // The values of `rows`, each below row_count() or kZeroRow: [rows, dimension] on the store's device.
  torch::Tensor Gather(absl::Span<const uint32_t> rows) const;

  // On the CPU alone: likewise, into `to`.
  void GatherTo(absl::Span<const uint32_t> rows, float* to) const;

  // On the CPU alone: the values at a place, as long as this lives: [dimension].
  const float* ValuesAt(uint64_t place) const { return data_ + place * dimension_; }
  void PrefetchValues(uint64_t place) const { __builtin_prefetch(ValuesAt(place)); }

 private:
  friend class RowStore;
  FrozenRows() = default;

  torch::Tensor arena_;
  const float* data_ = nullptr;  // On the CPU the arena's, which grows without moving.
  int64_t dimension_ = 0;
  std::shared_ptr<const RowOwners> owners_;
  PageMap pages_;
  uint32_t row_count_ = 0;
  bool keeps_owners_ = true;
  std::shared_ptr<ViewLease> lease_;
};

// Threads: one, the trainer.
class RowStore {
 public:
  // `state_width`: numbers of optimizer state a row.
  RowStore(int64_t dimension, torch::Device device, int64_t state_width = 1);

  int64_t dimension() const { return arena_.columns(); }
  int64_t state_width() const { return state_.columns(); }
  uint32_t row_count() const { return row_count_; }  // Free ones included.

  // Makes room for `added` more rows, so that the next Add() of as many cannot fail. Throws std::bad_alloc where
  // memory or row numbers (2^32 - 2) are spent.
  void ReserveRows(int64_t added);

  // Gives each owner a row, the lowest free one, or a new one where none is free; its state is zeros. `values` is
  // [owners, dimension] on the CPU, contiguous. Returns the rows.
  std::vector<uint32_t> Add(absl::Span<const float> values, absl::Span<const RowOwner> owners);

  // As Add(), but of these rows: each free, or the next after all that there are.
  void AddAt(absl::Span<const uint32_t> rows, absl::Span<const float> values, absl::Span<const RowOwner> owners);

  // The rows are free from now on. Those that were not there yet are made, and all before them, as free ones.
  void LetGo(absl::Span<const uint32_t> rows);

  // As FrozenRows has them.
  RowOwner owner(uint32_t row) const { return owners_->at(Place(row)); }
  bool Owns(uint32_t row, uint32_t table, uint64_t id) const { return OwnsAt(Place(row), table, id); }
  const uint32_t* PageEntry(uint32_t row) const { return pages_.map().Entry(row); }
  uint64_t Place(uint32_t row) const { return pages_.map().Position(row); }
  static uint64_t Place(const uint32_t* entry, uint32_t row) { return PageMap::Position(entry, row); }
  void PrefetchOwner(uint64_t place) const { owners_->Prefetch(place); }
  bool OwnsAt(uint64_t place, uint32_t table, uint64_t id) const {
    return owners_->id(place) == id && (keeps_owners_ || owners_->at(place).table == table);
  }

  // Rows will be let go while views are alive. Else only before the first Freeze(): then ids alone tell rows apart, for
  // an index never leads to a row of another table.
  void ExpectLetGo() { keeps_owners_ = false; }

  // [rows, dimension] on the device; each row below row_count() or kZeroRow.
  torch::Tensor Gather(absl::Span<const uint32_t> rows) const;

  // Replaces the values of distinct rows; `values` is [rows, dimension] on the device.
  void Write(absl::Span<const uint32_t> rows, const torch::Tensor& values);

  std::shared_ptr<const FrozenRows> Freeze();

  // What the optimizer keeps of each row, zeros at first; on the device and not part of frozen views: [>= row_count(),
  // state_width()].
  const torch::Tensor& state() const { return state_.tensor(); }

  // The same of some rows, each below row_count(): [rows, state_width()]. Written are those of distinct rows.
  torch::Tensor GatherState(absl::Span<const uint32_t> rows) const;
  void WriteState(absl::Span<const uint32_t> rows, const torch::Tensor& states);

  // Rows that were added or written since the last TakeTouched(), which hands them out; states count as written with
  // their row. And those that were let go, which may be another's by now.
  uint64_t touched_count() const { return touched_.count(); }
  RowSet TakeTouched() { return touched_.Take(); }
  RowSet TakeLetGo() { return let_go_.Take(); }
  void Touch(const RowSet& rows) { touched_.AddAll(rows); }
  void Touch(uint32_t row) { touched_.Add(row); }
  void TouchLetGo(const RowSet& rows) { let_go_.AddAll(rows); }

  const RowSet& free_rows() const { return free_; }
  bool keeps_owners() const { return keeps_owners_; }  // No row was let go, and none will be.

  uint64_t memory_bytes() const;

  // What so many rows take that no view shares.
  static uint64_t BytesFor(uint64_t rows, int64_t dimension, int64_t state_width);
  uint64_t pages_in_use() const { return pool_.in_use(); }             // Retired ones included.
  uint64_t page_table_nodes() const { return pages_.nodes_in_use(); }  // Likewise.

 private:
  uint32_t TakePage();
  void GrowTo(int64_t rows);
  // Gives each of the rows' pages that a view may hold a page of its own.
  void MakeWritable(absl::Span<const uint32_t> rows);
  void PrefetchPage(uint32_t page) const;

  GrowingMatrix arena_;
  GrowingMatrix state_;
  const std::shared_ptr<RowOwners> owners_ = std::make_shared<RowOwners>();
  bool keeps_owners_ = true;
  PageTable pages_;
  uint32_t row_count_ = 0;
  uint64_t epoch_ = 1;  // Grows with each Freeze().
  BlockPool pool_;      // Pages of the arena.
  LivingViews living_;
  OwnPages own_pages_;
  RowSet free_;
  RowSet touched_;
  RowSet let_go_;
};

}  // namespace polyscene
