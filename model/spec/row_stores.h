// Which embedding tables keep their rows together.
#pragma once

#include <vector>

#include "model/spec/model_spec.h"

namespace polyscene {

// Whether it is kept of each row when its id was last learned from.
bool KeepsUses(const TableSpec& table);

// [tables] the store that each table's rows are in, numbered from 0 in the order of their first tables. Tables of one
// dimension share one, those whose rows expire another; a table with an optimizer of its own, or with a bound on its
// memory, has one to itself.
std::vector<int> StoresOfTables(const ModelSpec& spec);

}  // namespace polyscene
