#include "model/feature/encoder.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace polyscene {
namespace {

// The column of each feature of the scene that `table` has, by the feature's index; null for the others.
using ColumnIndex = absl::InlinedVector<const ColumnView*, 64>;

void AddColumns(const ModelSpec& spec, int scene, const TableView& table, ColumnIndex& index) {
  for (const ColumnView& column : table.columns) {
    const int feature = spec.FindFeature(column.name);
    if (feature >= 0 && spec.scenes()[scene].has_feature[feature]) index[feature] = &column;
  }
}

// Turns the slot's last row into `copies` more rows like it. `first`: where that row's ids begin.
void RepeatLastRow(size_t first, bool sequence, int64_t copies, SlotIds& slot) {
  if (!sequence) {
    slot.ids.insert(slot.ids.end(), copies, slot.ids[first]);
    return;
  }
  const size_t length = slot.ids.size() - first;
  slot.ids.resize(first + length * (copies + 1));
  const auto begin = slot.ids.begin() + first;
  for (int64_t copy = 1; copy <= copies; ++copy) std::copy(begin, begin + length, begin + copy * length);
  slot.lengths.insert(slot.lengths.end(), copies, static_cast<int32_t>(length));
}

}  // namespace

FeatureEncoder::FeatureEncoder(std::shared_ptr<const ModelSpec> spec, HashKey key) : spec_(std::move(spec)), key_(key) {
  for (const FeatureSpec& feature : spec_->features()) {
    for (const EncodingSpec& encoding : feature.encodings) plans_.emplace_back(feature, encoding);
  }
}

void FeatureEncoder::AppendEmptyRows(int scene, int64_t rows, EncodedBatch& batch) const {
  batch.slots.resize(spec_->slots().size());
  batch.scenes.insert(batch.scenes.end(), rows, scene);
  batch.rows += rows;
  batch.dense.resize(batch.rows * spec_->dense_width());
}

void FeatureEncoder::AppendRows(const FeatureStatistics& statistics, int scene, const TableView& table, int64_t begin,
                                int64_t end, EncodedBatch& batch) const {
  ColumnIndex columns(spec_->features().size(), nullptr);
  AddColumns(*spec_, scene, table, columns);
  const int64_t width = spec_->dense_width();
  const int64_t first = batch.rows * width;
  AppendEmptyRows(scene, end - begin, batch);
  for (const EncodingPlan& plan : plans_) {
    const EncodingSpec& encoding = *plan.encoding;
    const ColumnView* column = columns[encoding.feature];
    if (encoding.slot >= 0) {
      AppendIds(plan, key_, column, begin, end, batch.slots[encoding.slot]);
    } else {
      WriteDense(plan, statistics, column, begin, end, width, batch.dense.data() + first + encoding.dense_offset);
    }
  }
}

void FeatureEncoder::AppendRequest(const FeatureStatistics& statistics, int scene, const TableView& context,
                                   const TableView& candidates, EncodedBatch& batch) const {
  if (!spec_->scenes()[scene].has_candidates) {
    AppendRows(statistics, scene, context, 0, context.rows, batch);
    return;
  }
  const int64_t rows = candidates.rows;
  if (rows == 0) return;
  ColumnIndex columns(spec_->features().size(), nullptr);
  AddColumns(*spec_, scene, context, columns);
  AddColumns(*spec_, scene, candidates, columns);
  const int64_t width = spec_->dense_width();
  const int64_t first = batch.rows * width;
  AppendEmptyRows(scene, rows, batch);
  float* dense = batch.dense.data() + first;

  for (const EncodingPlan& plan : plans_) {
    if (plan.feature->candidate) continue;
    const EncodingSpec& encoding = *plan.encoding;
    const ColumnView* column = columns[encoding.feature];
    if (encoding.slot >= 0) {
      SlotIds& slot = batch.slots[encoding.slot];
      const size_t first_id = slot.ids.size();
      AppendIds(plan, key_, column, 0, 1, slot);
      RepeatLastRow(first_id, plan.feature->sequence, rows - 1, slot);
    } else {
      WriteDense(plan, statistics, column, 0, 1, width, dense + encoding.dense_offset);
    }
  }
  // The candidates' inputs of the first row are still zero, as WriteDense() wants them in every row.
  for (int64_t row = 1; row < rows; ++row) std::copy(dense, dense + width, dense + row * width);

  for (const EncodingPlan& plan : plans_) {
    if (!plan.feature->candidate) continue;
    const EncodingSpec& encoding = *plan.encoding;
    const ColumnView* column = columns[encoding.feature];
    if (encoding.slot >= 0) {
      AppendIds(plan, key_, column, 0, rows, batch.slots[encoding.slot]);
    } else {
      WriteDense(plan, statistics, column, 0, rows, width, dense + encoding.dense_offset);
    }
  }
}

void FeatureEncoder::Observe(int scene, const TableView& table, int64_t begin, int64_t end,
                             FeatureStatistics& statistics) const {
  ColumnIndex columns(spec_->features().size(), nullptr);
  AddColumns(*spec_, scene, table, columns);
  for (const EncodingPlan& plan : plans_) {
    const EncodingSpec& encoding = *plan.encoding;
    if (encoding.statistics < 0 || columns[encoding.feature] == nullptr) continue;
    ObserveColumn(encoding, *columns[encoding.feature], begin, end, statistics.entries[encoding.statistics]);
  }
}

int64_t PersonalId(const HashKey& key, absl::string_view value) { return static_cast<int64_t>(StringId(key, value)); }

int64_t PersonalId(const HashKey& key, int64_t value) {
  const uint64_t id = key.Hash(value);
  return static_cast<int64_t>(id == kMissingId ? id + 1 : id);
}

}  // namespace polyscene
