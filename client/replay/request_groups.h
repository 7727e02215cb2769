// Rows that were asked about together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "client/replay/replay_rows.h"
#include "model/spec/model_spec.h"

namespace polyscene::replay {

// Rows of one scene and one time, with the same request id where the file has such a column. In a scene with candidates
// they also agree in every context feature, since a request has one value of each.
struct RowGroup {
  int scene = 0;  // Index into ModelSpec::scenes().
  int64_t predict_at = 0;
  std::vector<ReplayRow> rows;
};

// Not thread-safe.
class RequestGroups {
 public:
  RequestGroups(const ModelSpec& spec, int64_t max_rows) : spec_(spec), max_rows_(max_rows) {}  // `spec` outlives it.

  // Takes a row of the same time as those before it, since the last Take(). A group that has max_rows rows is followed
  // by another one.
  void Add(ReplayRow row);

  // The groups of the rows since the last call, in the order of their first rows.
  std::vector<RowGroup> Take();

  int64_t rows() const { return rows_; }  // Since the last Take().

 private:
  std::string KeyOf(int scene, const ReplayRow& row) const;

  const ModelSpec& spec_;
  const int64_t max_rows_;
  std::vector<RowGroup> groups_;
  absl::flat_hash_map<std::string, size_t> open_;  // By key: index into groups_.
  int64_t rows_ = 0;
};

}  // namespace polyscene::replay
