#include "model/spec/row_stores.h"

namespace polyscene {

std::vector<int> StoresOfTables(const ModelSpec& spec) {
  std::vector<int> stores;
  int count = 0;
  for (const TableSpec& table : spec.tables()) {
    int store = count;
    for (size_t earlier = 0; earlier < stores.size() && !table.has_own_optimizer; ++earlier) {
      const TableSpec& other = spec.tables()[earlier];
      if (other.has_own_optimizer || other.dimension != table.dimension) continue;
      store = stores[earlier];
      break;
    }
    if (store == count) ++count;
    stores.push_back(store);
  }
  return stores;
}

}  // namespace polyscene
