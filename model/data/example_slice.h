// Part of a table of labelled rows.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "model/data/examples.h"

namespace polyscene {

// Rows [begin, end) of validated examples, from one producer.
struct ExampleSlice {
  const ExamplesView* examples = nullptr;
  int64_t begin = 0;
  int64_t end = 0;
  absl::string_view producer;  // Whose evaluation the rows count in, if it opened one.
};

}  // namespace polyscene
