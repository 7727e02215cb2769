#include "model/spec/row_stores.h"

namespace polyscene {

bool KeepsUses(const TableSpec& table) { return table.expire_after_rows > 0 || table.max_bytes > 0; }

std::vector<int> StoresOfTables(const ModelSpec& spec) {
  const auto apart = [](const TableSpec& table) { return table.has_own_optimizer || table.max_bytes > 0; };
  std::vector<int> stores;
  int count = 0;
  for (const TableSpec& table : spec.tables()) {
    int store = count;
    for (size_t earlier = 0; earlier < stores.size() && !apart(table); ++earlier) {
      const TableSpec& other = spec.tables()[earlier];
      if (apart(other) || other.dimension != table.dimension || KeepsUses(other) != KeepsUses(table)) continue;
      store = stores[earlier];
      break;
    }
    if (store == count) ++count;
    stores.push_back(store);
  }
  return stores;
}

}  // namespace polyscene
