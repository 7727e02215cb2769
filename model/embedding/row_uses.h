// When, and how often, the ids of a store's rows were learned from: which rows are let go.
//
// Time is counted in rows learned, never in seconds, so that a replay comes to the same. A row keeps when its id was
// last learned from, in units of 1,024 learned rows, and where the store has a bound how often: a count up to 255 that
// is halved once every half-life since then. So how useful a row is is a function of what is kept of it, which changes
// only when its id is learned from again: nothing ages rows behind one's back.
//
// Expiry: a hand goes round the rows, so fast that it comes by each within an eighth of the time that a row may go
// unseen, and takes those that were not seen for that long.
//
// Eviction: another hand goes round, looks at 16 rows for each that has to go, and takes the least useful of those: the
// lowest count as it is by now, then the one not seen for the longest time, then the lowest row. Counting with a
// half-life is LRFU (Lee et al., "LRFU: A Spectrum of Policies that Subsumes the Least Recently Used and Least
// Frequently Used Policies", IEEE Transactions on Computers 50(12), 2001); choosing among a few instead of keeping all
// in order is Psounis and Prabhakar, "A Randomized Web-Cache Replacement Scheme", INFOCOM 2001.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "model/embedding/growing_array.h"
#include "model/embedding/row_use.h"

namespace polyscene {

// Threads: one, the trainer.
class RowUses {
 public:
  static constexpr uint64_t kBytes = sizeof(uint32_t) + sizeof(uint8_t);  // Of a row.

  // half_life_rows: until a count is worth half, in learned rows.
  explicit RowUses(uint64_t half_life_rows) : half_life_units_(std::max<uint64_t>(1, half_life_rows / kUseUnitRows)) {}

  // The row's id was learned from `times` times, in the step that ends with `now` rows learned.
  void See(uint32_t row, uint64_t times, uint64_t now);

  // The row is an id's that was never seen before.
  void Begin(uint32_t row) { Set(row, RowUse()); }

  RowUse at(uint32_t row) const { return {last_[row], count_[row]}; }
  void Set(uint32_t row, RowUse use);

  uint64_t CountNow(uint32_t row, uint64_t now) const;  // By half-lives gone since it was seen.

  // Whether at least `rows` rows were learned since the row was seen, as far as the units tell: never too early, and
  // less than one unit late.
  bool Unseen(uint32_t row, uint64_t rows, uint64_t now) const {
    return now >= (uint64_t{last_[row]} + 1) * kUseUnitRows + rows;
  }

  // The rows of `wanted` least useful ones among those that the hand comes by, of rows 0 to row_count - 1; fewer where
  // no more may go. may_go(row).
  template <typename MayGo>
  std::vector<uint32_t> LeastUseful(uint64_t wanted, uint32_t row_count, uint64_t now, MayGo&& may_go);

  // The rows next in turn after a step of `step_rows`, so that the hand goes round within `round_rows` learned rows.
  template <typename Fn>
  void Sweep(uint64_t step_rows, uint64_t round_rows, uint32_t row_count, Fn&& fn);

  // Where the two hands are: part of the checkpoint.
  uint32_t eviction_hand() const { return eviction_hand_; }
  uint32_t expiry_hand() const { return expiry_hand_; }
  void SetHands(uint32_t eviction, uint32_t expiry) {
    eviction_hand_ = eviction;
    expiry_hand_ = expiry;
  }

  uint64_t memory_bytes() const { return static_cast<uint64_t>(last_.size()) * kBytes; }

 private:
  static constexpr uint64_t kLookedAt = 16;  // Rows, for each that has to go.

  struct Candidate {
    uint64_t count;
    uint32_t last;
    uint32_t row;
    bool operator<(const Candidate& other) const {
      if (count != other.count) return count < other.count;
      return last != other.last ? last < other.last : row < other.row;
    }
  };

  const uint64_t half_life_units_;
  GrowingArray<uint32_t> last_;
  GrowingArray<uint8_t> count_;
  uint32_t eviction_hand_ = 0;
  uint32_t expiry_hand_ = 0;
  std::vector<Candidate> candidates_;  // Kept for its memory.
};

template <typename MayGo>
std::vector<uint32_t> RowUses::LeastUseful(uint64_t wanted, uint32_t row_count, uint64_t now, MayGo&& may_go) {
  candidates_.clear();
  for (uint32_t looked = 0; looked < row_count && candidates_.size() < wanted * kLookedAt; ++looked) {
    if (eviction_hand_ >= row_count) eviction_hand_ = 0;
    const uint32_t row = eviction_hand_++;
    if (may_go(row)) candidates_.push_back({CountNow(row, now), last_[row], row});
  }
  const auto take = static_cast<int64_t>(std::min<uint64_t>(wanted, candidates_.size()));
  if (take > 0) std::nth_element(candidates_.begin(), candidates_.begin() + take - 1, candidates_.end());
  std::vector<uint32_t> rows(take);
  for (int64_t i = 0; i < take; ++i) rows[i] = candidates_[i].row;
  return rows;
}

template <typename Fn>
void RowUses::Sweep(uint64_t step_rows, uint64_t round_rows, uint32_t row_count, Fn&& fn) {
  const uint64_t due = (uint64_t{row_count} * step_rows + round_rows - 1) / round_rows;
  for (uint64_t i = 0; i < std::min<uint64_t>(due, row_count); ++i) {
    if (expiry_hand_ >= row_count) expiry_hand_ = 0;
    fn(expiry_hand_++);
  }
}

}  // namespace polyscene
