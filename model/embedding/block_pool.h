// Blocks of memory that are copied on write: which of them are free, and which wait for the views that hold them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace polyscene {

// How whoever drops a view tells the writer.
struct ViewLease {
  std::atomic<bool> ended{false};
};

// The views that are alive, by the epoch at which each was frozen. Threads: the writer; leases end on any.
class LivingViews {
 public:
  void Add(uint64_t epoch, std::shared_ptr<const ViewLease> lease);  // Epochs only grow.
  void ForgetEnded();

  // Whether one was frozen in [birth, death).
  bool AnyIn(uint64_t birth, uint64_t death) const;

 private:
  struct View {
    uint64_t epoch;
    std::shared_ptr<const ViewLease> lease;
  };
  std::vector<View> views_;  // Ascending by epoch.
};

// Numbers blocks from 0 on. A block that was replaced is used again once no living view was frozen between its birth
// and its replacement. Threads: the writer.
class BlockPool {
 public:
  // A free one, or else the next number, count().
  uint32_t Take(uint64_t epoch);
  void Retire(uint32_t block, uint64_t epoch);  // Another takes its place from this epoch on.

  // Frees what no view holds any more: its cost follows what was retired, not what there is.
  void Reclaim(const LivingViews& living);

  uint64_t birth(uint32_t block) const { return births_[block]; }  // Epoch at which it was last taken.
  void Prefetch(uint32_t block) const { __builtin_prefetch(&births_[block]); }

  uint64_t count() const { return births_.size(); }                  // Blocks that there are memory for.
  uint64_t in_use() const { return births_.size() - free_.size(); }  // Retired ones included.

 private:
  struct Retired {
    uint32_t block;
    uint64_t birth;  // Views frozen in [birth, death) hold it.
    uint64_t death;
  };
  std::vector<uint64_t> births_;
  std::vector<uint32_t> free_;
  std::vector<Retired> retired_;
};

}  // namespace polyscene
