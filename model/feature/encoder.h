// Turns columns into what the network takes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "model/data/columns.h"
#include "model/feature/encode_column.h"
#include "model/feature/encoded_batch.h"
#include "model/feature/hash_key.h"
#include "model/feature/statistics.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Immutable, so any thread may use it. Takes only what ValidateRequest() or ValidateExamples() found good; a feature
// that is absent, or not of the row's scene, encodes as missing.
//
// Personal features arrive as INT64 columns of ids made by PersonalId() (the server makes them before anything is
// logged).
class FeatureEncoder {
 public:
  FeatureEncoder(std::shared_ptr<const ModelSpec> spec, HashKey key);

  // Appends rows [begin, end) of `table`, which holds context and candidate features alike, to be scored: training_only
  // features count as missing. `scene`: index.
  void AppendRows(const FeatureStatistics& statistics, int scene, const TableView& table, int64_t begin, int64_t end,
                  EncodedBatch& batch) const;

  // The same, to be learned: training_only features count, but in the rows that their dropout takes, which are a
  // function of the model's seed and each row's number: first_row of the first.
  void AppendLearnedRows(const FeatureStatistics& statistics, int scene, const TableView& table, int64_t begin,
                         int64_t end, uint64_t first_row, EncodedBatch& batch) const;

  // Appends one request: one row a candidate, each with the context's values; without candidates in the scene, one row
  // a context row.
  void AppendRequest(const FeatureStatistics& statistics, int scene, const TableView& context,
                     const TableView& candidates, EncodedBatch& batch) const;

  // The same in two parts: one row of what the context says, and a row a candidate of what that says. The slots of the
  // other part are left alone, and its dense inputs are 0. Scenes with candidates alone.
  void AppendRequestParts(const FeatureStatistics& statistics, int scene, const TableView& context,
                          const TableView& candidates, EncodedBatch& context_part, EncodedBatch& candidate_part) const;

  // Adds the values of rows [begin, end) to the statistics, in row order.
  void Observe(int scene, const TableView& table, int64_t begin, int64_t end, FeatureStatistics& statistics) const;

 private:
  // The column of each feature of the scene, by its index; null for those that are not there.
  using ColumnIndex = absl::InlinedVector<const ColumnView*, 64>;

  // Appends rows [begin, end) of what the index names.
  void AppendColumns(const FeatureStatistics& statistics, int scene, const ColumnIndex& columns, int64_t begin,
                     int64_t end, EncodedBatch& batch) const;
  void AddColumns(int scene, const TableView& table, ColumnIndex& index) const;
  // The ids of an encoding that has an embedding. context_columns: its columns on the context side hold one row for
  // all.
  void AppendSlotIds(const EncodingPlan& plan, const ColumnIndex& columns, bool context_columns, int64_t begin,
                     int64_t end, SlotIds& slot) const;
  // Appends `rows` rows of the plans of one side, whose columns on the context side hold one row for all.
  void AppendSide(const FeatureStatistics& statistics, int scene, const ColumnIndex& columns, bool candidates,
                  int64_t rows, EncodedBatch& batch) const;
  // Takes what is training_only out of the index.
  void HideTrainingOnly(ColumnIndex& index) const;
  // Appends what does not depend on columns, and makes room for `rows` rows of zeros in the dense matrix.
  void AppendEmptyRows(int scene, int64_t rows, EncodedBatch& batch) const;

  std::shared_ptr<const ModelSpec> spec_;
  HashKey key_;
  std::vector<EncodingPlan> plans_;  // Every encoding of every feature, in the file's order.
  std::vector<int> training_only_;   // Indexes of such features.
};

// The id that stands for a personal value from here on. Depends on the key and the value alone, so that features which
// share an id space agree. Never the id of "missing".
int64_t PersonalId(const HashKey& key, absl::string_view value);
int64_t PersonalId(const HashKey& key, int64_t value);

}  // namespace polyscene
