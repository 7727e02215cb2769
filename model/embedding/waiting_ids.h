// How often ids were learned from that have no row yet.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyscene {

// Counts exactly, and forgets in turn: ids seen lately are in one map, those before them in another. Once the first has
// as many ids as a generation may, it takes the place of the second, whose ids are forgotten. So an id is forgotten
// only where a whole generation of others was seen since; memory is bounded by two generations, 18 MB a table; and what
// is kept follows what was seen, in order.
//
// Threads: one, the trainer.
class WaitingIds {
 public:
  static constexpr uint64_t kGenerationIds = 400'000;

  explicit WaitingIds(uint64_t generation_ids = kGenerationIds) : generation_ids_(generation_ids) {}

  // How often the id was seen so far, at most 255.
  uint32_t SeenOf(uint64_t id) const;

  // It was seen `times` more. Returns how often in all.
  uint32_t See(uint64_t id, uint64_t times);

  void Forget(uint64_t id);  // It has a row.

  uint64_t size() const { return lately_.size() + before_.size(); }
  uint64_t memory_bytes() const;

  // Both generations, in an order that follows what is in them alone.
  std::string Serialize() const;
  absl::Status Restore(absl::string_view bytes);  // kDataLoss: not what Serialize() gave.

 private:
  using Counts = absl::flat_hash_map<uint64_t, uint8_t>;

  uint64_t generation_ids_;
  Counts lately_;
  Counts before_;  // None that is in the other.
};

}  // namespace polyscene
