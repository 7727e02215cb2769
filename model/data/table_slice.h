// Some rows of a table, as a table.
#pragma once

#include <cstdint>
#include <vector>

#include "model/data/columns.h"

namespace polyscene {

// Not thread-safe. Re-uses its memory from one Cut() to the next.
class TableSlice {
 public:
  // Views rows [begin, end) of `table`, whose columns have a value for every row (as validation leaves them). Values
  // are borrowed from where `table` borrows them. Valid until the next Cut().
  const TableView& Cut(const TableView& table, int64_t begin, int64_t end);

 private:
  TableView view_;
  std::vector<std::vector<uint32_t>> missing_;  // One a column: counted from `begin`, so they cannot be borrowed.
};

}  // namespace polyscene
