// Rows for a learner's benchmarks: a step's labels made up, and tables filled fast.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "model/learning/learner.h"

namespace polyscene {

// Ends the program where there is an error.
inline void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

template <typename T>
T Check(absl::StatusOr<T> value) {
  Check(value.status());
  return *std::move(value);
}

// One step on rows of scene `shop`, every second of which has a `click`.
inline void LearnRows(Learner& learner, const Table& table) {
  ExamplesView view;
  view.scene = "shop";
  view.features = table.View();
  std::vector<float> labels;
  for (int64_t i = 0; i < table.rows; ++i) labels.push_back(static_cast<float>(i % 2));
  view.labels.push_back({"click", labels, {}});
  const ExampleSlice slice{&view, 0, table.rows, ""};
  Check(learner.Step(absl::MakeConstSpan(&slice, 1)));
}

// Gives the ids `next` to `end` - 1 of the sequence `history`, which may be 10,000 long, their rows: a step of a few
// rows with long histories makes many.
inline void MakeRows(Learner& learner, int64_t next, int64_t end) {
  constexpr int64_t kIdsOfARow = 10'000;
  while (next < end) {
    Table table;
    Column& history = table.Add("history", ValueType::kInt64);
    for (table.rows = 0; table.rows < 64 && next < end; ++table.rows) {
      const int64_t length = std::min(kIdsOfARow, end - next);
      for (int64_t i = 0; i < length; ++i) history.ints.push_back(next++);
      history.lengths.push_back(static_cast<uint32_t>(length));
    }
    LearnRows(learner, table);
  }
}

}  // namespace polyscene
