#include "model/device/device_inputs.h"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "model/embedding/initial_row.h"

namespace polyscene {

DeviceInputs::DeviceInputs(const ModelSpec& spec, torch::Device device)
    : spec_(spec),
      groups_(GroupSlots(spec)),
      embedding_width_(EmbeddingWidth(spec)),
      staging_(device),
      staged_(groups_.size()) {}

void DeviceInputs::Begin(const EncodedBatch& batch) {
  batch_ = &batch;
  row_ = 0;
  next_value_.assign(spec_.slots().size(), 0);
}

absl::Span<const uint64_t> DeviceInputs::Ids(int slot, int64_t count) const {
  const SlotIds& ids = batch_->slots[slot];
  if (!spec_.slots()[slot].sequence) return absl::MakeConstSpan(ids.ids).subspan(row_, count);
  const auto begin = ids.lengths.begin() + row_;
  return absl::MakeConstSpan(ids.ids).subspan(next_value_[slot], std::accumulate(begin, begin + count, size_t{0}));
}

int64_t DeviceInputs::MostBytes(int64_t count, bool with_sequences) const {
  int64_t bytes = count * spec_.dense_width() * static_cast<int64_t>(sizeof(float)) + Staging::kAlignment;
  for (const SlotGroup& group : groups_) {
    int64_t entries = count * static_cast<int64_t>(group.singles.size());
    for (const int slot : group.sequences) {
      const auto values = with_sequences ? static_cast<int64_t>(Ids(slot, count).size()) : 0;
      entries += values;
      bytes += values * static_cast<int64_t>(sizeof(int64_t)) + count * static_cast<int64_t>(sizeof(float));
    }
    // Of each entry its place, and, as if no id had a row, its number and its values.
    bytes += entries * static_cast<int64_t>(2 * sizeof(int64_t) + group.dimension * sizeof(float));
    bytes += Staging::kAlignment * static_cast<int64_t>(3 + 2 * group.sequences.size());
  }
  return bytes;
}

void DeviceInputs::Stage(const FrozenTables& tables, int64_t count) {
  staging_.Begin(MostBytes(count, /*with_sequences=*/true));
  for (size_t g = 0; g < groups_.size(); ++g) StageGroup(tables, static_cast<int>(g), count);
  const int64_t dense_width = spec_.dense_width();
  const auto dense = batch_->dense.begin() + row_ * dense_width;
  std::copy(dense, dense + count * dense_width, staging_.Add(count * dense_width, dense_).begin());
  for (const SlotGroup& group : groups_) {
    for (const int slot : group.sequences) next_value_[slot] += Ids(slot, count).size();
  }
  row_ += count;
  staged_rows_ = count;
}

void DeviceInputs::StageGroup(const FrozenTables& tables, int g, int64_t count) {
  const SlotGroup& group = groups_[g];
  StagedGroup& staged = staged_[g];
  const auto singles = static_cast<int64_t>(group.singles.size());
  int64_t entries = count * singles;
  for (const int slot : group.sequences) entries += static_cast<int64_t>(Ids(slot, count).size());
  const absl::Span<int64_t> places = staging_.Add(entries, staged.places);

  unknown_.clear();
  for (int64_t i = 0; i < singles; ++i) {
    FindPlaces(tables, g, group.singles[i], Ids(group.singles[i], count), i, singles, places);
  }
  staged.sequences.resize(group.sequences.size());
  int64_t begin = count * singles;
  for (size_t i = 0; i < group.sequences.size(); ++i) {
    const int slot = group.sequences[i];
    StagedSequence& sequence = staged.sequences[i];
    sequence.begin = begin;
    sequence.count = static_cast<int64_t>(Ids(slot, count).size());
    FindPlaces(tables, g, slot, Ids(slot, count), begin, 1, places);
    StageSequence(slot, count, sequence);
    begin += sequence.count;
  }
  StageInitial(g, staged);
}

void DeviceInputs::FindPlaces(const FrozenTables& tables, int g, int slot, absl::Span<const uint64_t> ids,
                              int64_t entry, int64_t stride, absl::Span<int64_t> places) {
  const int table = spec_.slots()[slot].table;
  const FrozenRows& rows = tables.rows(g);
  found_.resize(ids.size());
  FindRows(tables.index(table), rows, static_cast<uint32_t>(table), ids, absl::MakeSpan(found_));
  for (size_t i = 0; i < ids.size(); ++i, entry += stride) {
    if (found_[i] == kNoRow) {
      places[entry] = 0;  // Any place that is there: the initial values go over it.
      unknown_.push_back({entry, table, ids[i]});
    } else {
      places[entry] = static_cast<int64_t>(rows.place(found_[i]));
    }
  }
}

void DeviceInputs::StageSequence(int slot, int64_t count, StagedSequence& sequence) {
  const absl::Span<const int32_t> lengths = absl::MakeConstSpan(batch_->slots[slot].lengths).subspan(row_, count);
  int64_t* row = staging_.Add(sequence.count, sequence.rows).data();
  float* factor = staging_.Add(count, sequence.factors).data();
  for (int64_t r = 0; r < count; ++r) {
    row = std::fill_n(row, lengths[r], r);
    factor[r] = spec_.slots()[slot].mean_pooling && lengths[r] > 1 ? 1.0f / static_cast<float>(lengths[r]) : 1.0f;
  }
}

void DeviceInputs::StageInitial(int g, StagedGroup& staged) {
  const auto dimension = static_cast<size_t>(groups_[g].dimension);
  const auto count = static_cast<int64_t>(unknown_.size());
  const absl::Span<int64_t> entries = staging_.Add(count, staged.unknown);
  const absl::Span<float> initial = staging_.Add(count * groups_[g].dimension, staged.initial);
  for (size_t i = 0; i < unknown_.size(); ++i) {
    entries[i] = unknown_[i].entry;
    InitialRow(spec_.file().seed(), unknown_[i].table, unknown_[i].id, groups_[g].initial_range,
               initial.subspan(i * dimension, dimension));
  }
}

torch::Tensor DeviceInputs::GatherGroup(const FrozenTables& tables, int g) const {
  const StagedGroup& staged = staged_[g];
  const torch::Tensor& arena = tables.rows(g).arena();
  // Without a single row there may be no place to read from, and every id is unknown.
  torch::Tensor values = tables.rows(g).row_count() == 0
                             ? torch::empty({staged.places.count, arena.size(1)}, arena.options())
                             : arena.index_select(0, staging_.Sent(staged.places));
  if (staged.unknown.count == 0) return values;
  return values.index_copy_(0, staging_.Sent(staged.unknown), staging_.Sent(staged.initial).view({-1, arena.size(1)}));
}

torch::Tensor DeviceInputs::SlotValues(const std::vector<torch::Tensor>& gathered, int slot) const {
  for (size_t g = 0; g < groups_.size(); ++g) {
    const std::vector<int>& singles = groups_[g].singles;
    const auto it = std::find(singles.begin(), singles.end(), slot);
    if (it == singles.end()) continue;
    const auto count = static_cast<int64_t>(singles.size());
    const torch::Tensor of_group = gathered[g].narrow(0, 0, staged_rows_ * count);
    return of_group.view({staged_rows_, count, -1}).select(1, it - singles.begin());
  }
  return {};  // The model file lets attention name single values alone.
}

torch::Tensor DeviceInputs::PoolSequence(const StagedSequence& sequence, int slot,
                                         const std::vector<torch::Tensor>& gathered, const torch::Tensor& entries,
                                         const SequenceAttention& attention) const {
  const torch::Tensor rows = staging_.Sent(sequence.rows);
  torch::Tensor weighed = entries;
  if (const int target = spec_.slots()[slot].attends_to; target >= 0) {
    weighed = entries * attention.WeightsOf(slot, entries, SlotValues(gathered, target).index_select(0, rows));
  }
  const torch::Tensor sums = torch::zeros({staged_rows_, entries.size(1)}, entries.options());
  return sums.index_add_(0, rows, weighed).mul_(staging_.Sent(sequence.factors).unsqueeze(1));
}

void DeviceInputs::Assemble(const FrozenTables& tables, const SequenceAttention& attention,
                            const torch::Tensor& inputs) const {
  int64_t column = 0;
  const auto write = [&](const torch::Tensor& values) {
    inputs.narrow(0, 0, staged_rows_).narrow(1, column, values.size(1)).copy_(values);
    column += values.size(1);
  };
  std::vector<torch::Tensor> gathered;
  for (size_t g = 0; g < groups_.size(); ++g) gathered.push_back(GatherGroup(tables, static_cast<int>(g)));
  for (size_t g = 0; g < groups_.size(); ++g) {
    const auto singles = static_cast<int64_t>(groups_[g].singles.size());
    if (singles > 0) write(gathered[g].narrow(0, 0, staged_rows_ * singles).view({staged_rows_, -1}));
    for (size_t i = 0; i < groups_[g].sequences.size(); ++i) {
      const StagedSequence& sequence = staged_[g].sequences[i];
      const torch::Tensor entries = gathered[g].narrow(0, sequence.begin, sequence.count);
      write(PoolSequence(sequence, groups_[g].sequences[i], gathered, entries, attention));
    }
  }
  if (spec_.dense_width() > 0) write(staging_.Sent(dense_).view({staged_rows_, spec_.dense_width()}));
}

}  // namespace polyscene
