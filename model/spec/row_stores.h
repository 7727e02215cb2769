// Which embedding tables keep their rows together.
#pragma once

#include <vector>

#include "model/spec/model_spec.h"

namespace polyscene {

// [tables] the store that each table's rows are in, numbered from 0 in the order of their first tables. Tables of one
// dimension share one; a table with an optimizer of its own has one to itself.
std::vector<int> StoresOfTables(const ModelSpec& spec);

}  // namespace polyscene
