#include "model/feature/encoder.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace polyscene {
namespace {

// Whether a row is one of those that are learned without the feature.
bool IsDropped(uint64_t seed, int feature, uint64_t row, double dropout) {
  uint64_t x = seed + 0x9e3779b97f4a7c15 * (row + 1) + 0xd1342543de82ef95 * static_cast<uint64_t>(feature + 1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;  // The finalizer of SplitMix64.
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  x ^= x >> 31;
  return static_cast<double>(x >> 11) * 0x1p-53 < dropout;
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
    for (const EncodingSpec& encoding : feature.encodings) plans_.emplace_back(*spec_, feature, encoding);
  }
  for (size_t f = 0; f < spec_->features().size(); ++f) {
    if (spec_->features()[f].training_only) training_only_.push_back(static_cast<int>(f));
  }
}

void FeatureEncoder::AddColumns(int scene, const TableView& table, ColumnIndex& index) const {
  for (const ColumnView& column : table.columns) {
    const int feature = spec_->FindFeature(column.name);
    if (feature >= 0 && spec_->scenes()[scene].has_feature[feature]) index[feature] = &column;
  }
}

void FeatureEncoder::HideTrainingOnly(ColumnIndex& index) const {
  for (const int feature : training_only_) index[feature] = nullptr;
}

void FeatureEncoder::AppendSlotIds(const EncodingPlan& plan, const ColumnIndex& columns, bool context_columns,
                                   int64_t begin, int64_t end, SlotIds& slot) const {
  const EncodingSpec& encoding = *plan.encoding;
  if (encoding.kind != EncodingSpec::Kind::kCrossed) {
    return AppendIds(plan, key_, columns[encoding.feature], begin, end, slot);
  }
  absl::InlinedVector<CrossedColumn, 4> crossed;
  const auto add = [&](int feature) {
    crossed.push_back({columns[feature], context_columns && !spec_->features()[feature].candidate});
  };
  add(encoding.feature);
  for (const int feature : encoding.with) add(feature);
  AppendCrossedIds(key_, crossed, begin, end, slot);
}

void FeatureEncoder::AppendEmptyRows(int scene, int64_t rows, EncodedBatch& batch) const {
  batch.slots.resize(spec_->slots().size());
  batch.scenes.insert(batch.scenes.end(), rows, scene);
  batch.rows += rows;
  batch.dense.resize(batch.rows * spec_->dense_width());
}

void FeatureEncoder::AppendColumns(const FeatureStatistics& statistics, int scene, const ColumnIndex& columns,
                                   int64_t begin, int64_t end, EncodedBatch& batch) const {
  const int64_t width = spec_->dense_width();
  const int64_t first = batch.rows * width;
  AppendEmptyRows(scene, end - begin, batch);
  for (const EncodingPlan& plan : plans_) {
    const EncodingSpec& encoding = *plan.encoding;
    if (encoding.slot >= 0) {
      AppendSlotIds(plan, columns, /*context_columns=*/false, begin, end, batch.slots[encoding.slot]);
    } else {
      WriteDense(plan, statistics, columns[encoding.feature], begin, end, width,
                 batch.dense.data() + first + encoding.dense_offset);
    }
  }
}

void FeatureEncoder::AppendRows(const FeatureStatistics& statistics, int scene, const TableView& table, int64_t begin,
                                int64_t end, EncodedBatch& batch) const {
  ColumnIndex columns(spec_->features().size(), nullptr);
  AddColumns(scene, table, columns);
  HideTrainingOnly(columns);
  AppendColumns(statistics, scene, columns, begin, end, batch);
}

void FeatureEncoder::AppendLearnedRows(const FeatureStatistics& statistics, int scene, const TableView& table,
                                       int64_t begin, int64_t end, uint64_t first_row, EncodedBatch& batch) const {
  ColumnIndex columns(spec_->features().size(), nullptr);
  AddColumns(scene, table, columns);
  struct Thinned {
    ColumnView column;
    std::vector<uint32_t> missing;
  };
  std::vector<std::unique_ptr<Thinned>> thinned;
  for (const int f : training_only_) {
    const double dropout = spec_->features()[f].dropout;
    if (columns[f] == nullptr || dropout == 0) continue;
    auto& copy = *thinned.emplace_back(std::make_unique<Thinned>(Thinned{*columns[f], {}}));
    const absl::Span<const uint32_t> before = columns[f]->missing;
    for (int64_t row = begin; row < end; ++row) {
      const uint64_t number = first_row + static_cast<uint64_t>(row - begin);
      if (std::binary_search(before.begin(), before.end(), row) ||
          IsDropped(spec_->file().seed(), f, number, dropout)) {
        copy.missing.push_back(static_cast<uint32_t>(row));
      }
    }
    copy.column.missing = copy.missing;
    columns[f] = &copy.column;
  }
  AppendColumns(statistics, scene, columns, begin, end, batch);
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
  AddColumns(scene, context, columns);
  AddColumns(scene, candidates, columns);
  HideTrainingOnly(columns);
  const int64_t width = spec_->dense_width();
  const int64_t first = batch.rows * width;
  AppendEmptyRows(scene, rows, batch);
  float* dense = batch.dense.data() + first;

  for (const EncodingPlan& plan : plans_) {
    if (plan.candidate) continue;
    const EncodingSpec& encoding = *plan.encoding;
    if (encoding.slot >= 0) {
      SlotIds& slot = batch.slots[encoding.slot];
      const size_t first_id = slot.ids.size();
      AppendSlotIds(plan, columns, /*context_columns=*/true, 0, 1, slot);
      RepeatLastRow(first_id, plan.feature->sequence, rows - 1, slot);
    } else {
      WriteDense(plan, statistics, columns[encoding.feature], 0, 1, width, dense + encoding.dense_offset);
    }
  }
  // The candidates' inputs of the first row are still zero, as WriteDense() wants them in every row.
  for (int64_t row = 1; row < rows; ++row) std::copy(dense, dense + width, dense + row * width);

  for (const EncodingPlan& plan : plans_) {
    if (!plan.candidate) continue;
    const EncodingSpec& encoding = *plan.encoding;
    if (encoding.slot >= 0) {
      AppendSlotIds(plan, columns, /*context_columns=*/true, 0, rows, batch.slots[encoding.slot]);
    } else {
      WriteDense(plan, statistics, columns[encoding.feature], 0, rows, width, dense + encoding.dense_offset);
    }
  }
}

void FeatureEncoder::AppendSide(const FeatureStatistics& statistics, int scene, const ColumnIndex& columns,
                                bool candidates, int64_t rows, EncodedBatch& batch) const {
  const int64_t width = spec_->dense_width();
  const int64_t first = batch.rows * width;
  AppendEmptyRows(scene, rows, batch);
  for (const EncodingPlan& plan : plans_) {
    if (plan.candidate != candidates) continue;
    const EncodingSpec& encoding = *plan.encoding;
    if (encoding.slot >= 0) {
      AppendSlotIds(plan, columns, /*context_columns=*/true, 0, rows, batch.slots[encoding.slot]);
    } else {
      WriteDense(plan, statistics, columns[encoding.feature], 0, rows, width,
                 batch.dense.data() + first + encoding.dense_offset);
    }
  }
}

void FeatureEncoder::AppendRequestParts(const FeatureStatistics& statistics, int scene, const TableView& context,
                                        const TableView& candidates, EncodedBatch& context_part,
                                        EncodedBatch& candidate_part) const {
  ColumnIndex columns(spec_->features().size(), nullptr);
  AddColumns(scene, context, columns);
  AddColumns(scene, candidates, columns);
  HideTrainingOnly(columns);
  AppendSide(statistics, scene, columns, /*candidates=*/false, 1, context_part);
  AppendSide(statistics, scene, columns, /*candidates=*/true, candidates.rows, candidate_part);
}

void FeatureEncoder::Observe(int scene, const TableView& table, int64_t begin, int64_t end,
                             FeatureStatistics& statistics) const {
  ColumnIndex columns(spec_->features().size(), nullptr);
  AddColumns(scene, table, columns);
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
