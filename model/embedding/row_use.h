// What is kept of the uses of a row that may be let go.
#pragma once

#include <cstdint>

namespace polyscene {

inline constexpr uint64_t kUseUnitRows = 1024;

struct RowUse {
  uint32_t last = 0;  // When its id was last learned from, in units of kUseUnitRows learned rows.
  uint8_t count = 0;  // How often, as it was then.
};

}  // namespace polyscene
