// The distinct ids of a batch.
#pragma once

#include <cstdint>
#include <vector>

namespace polyscene {

// Numbers the ids of a batch's tables in the order in which they are first asked for. Not thread-safe.
class BatchIds {
 public:
  // Forgets all; at most `ids` will be asked for.
  void Begin(uint64_t ids) {
    uint64_t slots = 64;
    while (slots < 2 * ids) slots *= 2;
    slots_.assign(slots, Slot());
    count_ = 0;
  }

  // The id's number. Where it is count() from before the call, the id is new.
  uint32_t Number(uint32_t table, uint64_t id) {
    const uint64_t mask = slots_.size() - 1;
    const uint64_t spread = (id ^ (uint64_t{table} << 48)) * 0x9e3779b97f4a7c15;
    for (uint64_t i = (spread ^ (spread >> 32)) & mask;; i = (i + 1) & mask) {
      Slot& slot = slots_[i];
      if (slot.number_plus_1 == 0) {
        slot = {id, table, ++count_};
        return count_ - 1;
      }
      if (slot.id == id && slot.table == table) return slot.number_plus_1 - 1;
    }
  }

  uint32_t count() const { return count_; }

 private:
  struct Slot {
    uint64_t id = 0;
    uint32_t table = 0;
    uint32_t number_plus_1 = 0;  // 0: empty.
  };
  std::vector<Slot> slots_;  // A power of two.
  uint32_t count_ = 0;
};

}  // namespace polyscene
