#include "model/embedding/row_uses.h"

namespace polyscene {

void RowUses::See(uint32_t row, uint64_t times, uint64_t now) {
  const uint64_t count = std::min<uint64_t>(255, CountNow(row, now) + times);
  Set(row, {static_cast<uint32_t>(now / kUseUnitRows), static_cast<uint8_t>(count)});
}

void RowUses::Set(uint32_t row, RowUse use) {
  last_.Reserve(int64_t{row} + 1);
  count_.Reserve(int64_t{row} + 1);
  last_.Set(row, use.last);
  count_.Set(row, use.count);
}

uint64_t RowUses::CountNow(uint32_t row, uint64_t now) const {
  const uint64_t halvings = (now / kUseUnitRows - last_[row]) / half_life_units_;
  return halvings >= 8 ? 0 : uint64_t{count_[row]} >> halvings;
}

}  // namespace polyscene
