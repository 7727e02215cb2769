// Embedding rows of one dimension in device memory, on copy-on-write pages.
//
// Rows live in pages of kRowsPerPage in one arena. The trainer, which alone writes, copies a page the first time it
// touches it after a Freeze(). A frozen view is a page table that shares every page not touched since with its
// neighbours: freezing costs the page table's root, and all views together cost one table and their differences. A
// replaced page is used again once no living view was frozen between its birth and its replacement.
#pragma once

#include <torch/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "model/embedding/growing_matrix.h"
#include "model/embedding/page_table.h"
#include "model/embedding/touched_rows.h"

namespace polyscene {

// A row number that stands for "no row": Gather() writes zeros there.
inline constexpr uint32_t kZeroRow = 0xffffffff;

// Rows as they were when frozen. Any thread may read it; drop it only after device work that reads it is done.
class FrozenRows {
 public:
  ~FrozenRows();
  FrozenRows(const FrozenRows&) = delete;
  FrozenRows& operator=(const FrozenRows&) = delete;

  uint32_t row_count() const { return row_count_; }  // Rows at or beyond it did not exist then.

  // The values of `rows`, each below row_count() or kZeroRow: [rows, dimension] on the store's device.
  torch::Tensor Gather(absl::Span<const uint32_t> rows) const;

 private:
  friend class RowStore;
  FrozenRows() = default;

  struct Lease {
    std::atomic<bool> ended{false};
  };
  torch::Tensor arena_;
  PageTable pages_;
  uint32_t row_count_ = 0;
  std::shared_ptr<Lease> lease_;
};

// Threads: one, the trainer.
class RowStore {
 public:
  // `state_width`: numbers of optimizer state a row.
  RowStore(int64_t dimension, torch::Device device, int64_t state_width = 1);

  int64_t dimension() const { return arena_.columns(); }
  int64_t state_width() const { return state_.columns(); }
  uint32_t row_count() const { return row_count_; }

  // Makes room for `added` more rows, so that the next Append() of as many cannot fail. Throws std::bad_alloc where
  // memory or row numbers (2^32 - 2) are spent.
  void ReserveRows(int64_t added);

  // Appends rows; `values` is [n, dimension] on the CPU, contiguous. Returns the first one's number.
  uint32_t Append(absl::Span<const float> values);

  // [rows, dimension] on the device; each row below row_count() or kZeroRow.
  torch::Tensor Gather(absl::Span<const uint32_t> rows) const;

  // Replaces the values of distinct rows; `values` is [rows, dimension] on the device.
  void Write(absl::Span<const uint32_t> rows, const torch::Tensor& values);

  std::shared_ptr<const FrozenRows> Freeze();

  // What the optimizer keeps of each row, zeros at first; on the device and not part of frozen views: [>= row_count(),
  // state_width()].
  const torch::Tensor& state() const { return state_.tensor(); }

  // Rows that were appended or written since the last TakeTouched(), which hands them out; states count as written with
  // their row.
  uint64_t touched_count() const { return touched_.count(); }
  TouchedRows TakeTouched() { return touched_.Take(); }
  void Touch(const TouchedRows& rows) { touched_.AddAll(rows); }

  uint64_t memory_bytes() const;
  uint64_t pages_in_use() const { return page_births_.size() - free_pages_.size(); }  // Retired ones included.

 private:
  struct RetiredPage {
    uint32_t page;
    uint64_t birth;  // Epochs: views frozen in [birth, death) hold it.
    uint64_t death;
  };
  struct LivingView {
    uint64_t epoch;
    std::shared_ptr<FrozenRows::Lease> lease;
  };

  uint32_t TakePage();
  void ReclaimPages();
  // Gives each of the rows' pages that a view may hold a page of its own.
  void MakeWritable(absl::Span<const uint32_t> rows);

  GrowingMatrix arena_;
  GrowingMatrix state_;
  PageTable pages_;
  uint32_t row_count_ = 0;
  uint64_t epoch_ = 1;                 // Grows with each Freeze().
  std::vector<uint64_t> page_births_;  // Epoch at which each page of the arena was last taken.
  std::vector<uint32_t> free_pages_;
  std::vector<RetiredPage> retired_;
  std::vector<LivingView> living_;  // Ascending by epoch.
  TouchedRows touched_;
};

}  // namespace polyscene
