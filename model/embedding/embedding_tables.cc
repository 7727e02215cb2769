#include "model/embedding/embedding_tables.h"

#include <torch/torch.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "model/embedding/initial_row.h"
#include "model/spec/row_stores.h"

namespace polyscene {
namespace {

torch::Tensor IndexTensor(const std::vector<int64_t>& values, torch::Device device) {
  // The vector outlives the copy; on the CPU the tensor borrows it for the length of the caller's expression.
  return torch::from_blob(const_cast<int64_t*>(values.data()), {static_cast<int64_t>(values.size())}, torch::kInt64)
      .to(device);
}

// Sums a sequence slot's entries a row, each by its factor: [batch rows, dimension].
torch::Tensor Pool(const torch::Tensor& entries, const SequenceEntries& sequence, int64_t batch_rows) {
  const torch::Device device = entries.device();
  const torch::Tensor sums = torch::zeros({batch_rows, entries.size(1)}, entries.options())
                                 .index_add(0, IndexTensor(sequence.segments, device).clone(), entries);
  const torch::Tensor factors =
      torch::from_blob(const_cast<float*>(sequence.factors.data()), {batch_rows, 1}).clone().to(device);
  return sums * factors;
}

// What one group's slots are made of.
struct GroupEmbeddings {
  torch::Tensor singles;               // [rows, its single-valued slots x dimension]; undefined: none.
  std::vector<torch::Tensor> entries;  // [its sequences] of [values, dimension]
  const std::vector<SequenceEntries>* sequences = nullptr;  // Likewise; `entries` of them are not read here.
};

// The embedding of a single-valued slot: [rows, dimension].
torch::Tensor SlotValues(const std::vector<SlotGroup>& groups, const std::vector<GroupEmbeddings>& made, int slot) {
  for (size_t g = 0; g < groups.size(); ++g) {
    const std::vector<int>& singles = groups[g].singles;
    const auto it = std::find(singles.begin(), singles.end(), slot);
    if (it == singles.end()) continue;
    return made[g].singles.narrow(1, (it - singles.begin()) * groups[g].dimension, groups[g].dimension);
  }
  return {};  // The model file lets attention name single values alone.
}

// All slots side by side, in the groups' order: [rows, embedding width].
torch::Tensor SideBySide(const ModelSpec& spec, const std::vector<SlotGroup>& groups,
                         const std::vector<GroupEmbeddings>& made, int64_t batch_rows,
                         const SequenceAttention& attention) {
  std::vector<torch::Tensor> parts;
  for (size_t g = 0; g < groups.size(); ++g) {
    if (made[g].singles.defined()) parts.push_back(made[g].singles);
    for (size_t s = 0; s < groups[g].sequences.size(); ++s) {
      const int slot = groups[g].sequences[s];
      const SequenceEntries& sequence = (*made[g].sequences)[s];
      torch::Tensor entries = made[g].entries[s];
      if (const int target = spec.slots()[slot].attends_to; target >= 0) {
        const torch::Tensor segments = IndexTensor(sequence.segments, entries.device()).clone();
        const torch::Tensor targets = SlotValues(groups, made, target).index_select(0, segments);
        entries = entries * attention.WeightsOf(slot, entries, targets);
      }
      parts.push_back(Pool(entries, sequence, batch_rows));
    }
  }
  return parts.empty() ? torch::Tensor() : torch::cat(parts, 1);
}

std::vector<float> PoolingFactors(const SlotSpec& slot, const std::vector<int32_t>& lengths) {
  std::vector<float> factors(lengths.size(), 1.0f);
  if (!slot.mean_pooling) return factors;
  for (size_t r = 0; r < lengths.size(); ++r)
    factors[r] = lengths[r] > 1 ? 1.0f / static_cast<float>(lengths[r]) : 1.0f;
  return factors;
}

std::vector<int64_t> Segments(const std::vector<int32_t>& lengths) {
  std::vector<int64_t> segments;
  for (size_t r = 0; r < lengths.size(); ++r) segments.insert(segments.end(), lengths[r], static_cast<int64_t>(r));
  return segments;
}

}  // namespace

std::vector<SlotGroup> GroupSlots(const ModelSpec& spec) {
  const std::vector<int> stores = StoresOfTables(spec);
  std::vector<SlotGroup> groups;
  for (size_t t = 0; t < stores.size(); ++t) {
    if (stores[t] == static_cast<int>(groups.size())) {
      const TableSpec& table = spec.tables()[t];
      SlotGroup& group = groups.emplace_back();
      group.dimension = table.dimension;
      group.state_width = table.state_width;
      group.initial_range = table.initial_range;
    }
    groups[stores[t]].tables.push_back(static_cast<int>(t));
  }
  for (size_t s = 0; s < spec.slots().size(); ++s) {
    const SlotSpec& slot = spec.slots()[s];
    SlotGroup& group = groups[stores[slot.table]];
    (slot.sequence ? group.sequences : group.singles).push_back(static_cast<int>(s));
  }
  return groups;
}

int64_t EmbeddingWidth(const ModelSpec& spec) {
  int64_t width = 0;
  for (const SlotSpec& slot : spec.slots()) width += slot.dimension;
  return width;
}

torch::Tensor FrozenTables::Embed(const EncodedBatch& batch, const SequenceAttention& attention) const {
  struct Unknown {
    int64_t entry;
    int table;
    uint64_t id;
  };
  std::vector<GroupEmbeddings> made(groups_.size());
  std::vector<std::vector<SequenceEntries>> sequences(groups_.size());
  for (size_t g = 0; g < groups_.size(); ++g) {
    const SlotGroup& group = groups_[g];
    const FrozenRows& frozen = *rows_[g];
    std::vector<Unknown> unknown;
    const auto find = [&](int table, uint64_t id, int64_t entry) {
      const uint32_t row = indexes_[table]->Find(id);
      if (row < frozen.row_count()) return row;  // Rows made since then, and kNoRow, are beyond.
      unknown.push_back({entry, table, id});
      return kZeroRow;
    };

    const int64_t singles = static_cast<int64_t>(group.singles.size());
    std::vector<uint32_t> rows(batch.rows * singles);
    for (int64_t j = 0; j < singles; ++j) {
      const int slot = group.singles[j];
      const std::vector<uint64_t>& ids = batch.slots[slot].ids;
      const int table = spec_->slots()[slot].table;
      for (int64_t r = 0; r < batch.rows; ++r) rows[r * singles + j] = find(table, ids[r], r * singles + j);
    }
    for (const int slot : group.sequences) {
      for (const uint64_t id : batch.slots[slot].ids) {
        rows.push_back(find(spec_->slots()[slot].table, id, static_cast<int64_t>(rows.size())));
      }
    }

    torch::Tensor values = frozen.Gather(rows);  // [entries, dimension]
    if (!unknown.empty()) {
      torch::Tensor initial = torch::empty({static_cast<int64_t>(unknown.size()), group.dimension});
      std::vector<int64_t> entries;
      for (const Unknown& u : unknown) {
        float* out = initial.data_ptr<float>() + static_cast<int64_t>(entries.size()) * group.dimension;
        InitialRow(spec_->file().seed(), u.table, u.id, group.initial_range, absl::MakeSpan(out, group.dimension));
        entries.push_back(u.entry);
      }
      values.index_copy_(0, IndexTensor(entries, values.device()), initial.to(values.device()));
    }

    if (singles > 0) made[g].singles = values.narrow(0, 0, batch.rows * singles).view({batch.rows, -1});
    int64_t begin = batch.rows * singles;
    for (const int slot : group.sequences) {
      const SlotIds& ids = batch.slots[slot];
      SequenceEntries& sequence = sequences[g].emplace_back();
      sequence.segments = Segments(ids.lengths);
      sequence.factors = PoolingFactors(spec_->slots()[slot], ids.lengths);
      const int64_t count = static_cast<int64_t>(ids.ids.size());
      made[g].entries.push_back(values.narrow(0, begin, count));
      begin += count;
    }
    made[g].sequences = &sequences[g];
  }
  return SideBySide(*spec_, groups_, made, batch.rows, attention);
}

EmbeddingTables::EmbeddingTables(std::shared_ptr<const ModelSpec> spec, torch::Device device)
    : spec_(std::move(spec)),
      device_(device),
      groups_(GroupSlots(*spec_)),
      groups_of_tables_(StoresOfTables(*spec_)),
      places_(groups_.size()),
      indexes_(spec_->tables().size()) {
  for (const SlotGroup& group : groups_) {
    stores_.push_back(std::make_unique<RowStore>(group.dimension, device, group.state_width));
    owners_.push_back(std::make_shared<RowOwners>());
  }
}

int64_t EmbeddingTables::PlaceOf(int g, int table, uint64_t id, GroupRows& rows, std::vector<float>& created) {
  Places& places = places_[g];
  uint32_t row = indexes_[table].Find(id);
  if (row == kNoRow) {
    const int dimension = groups_[g].dimension;
    row = stores_[g]->row_count() + static_cast<uint32_t>(created.size() / dimension);
    created.resize(created.size() + dimension);
    InitialRow(spec_->file().seed(), table, id, groups_[g].initial_range,
               absl::MakeSpan(created.data() + created.size() - dimension, dimension));
    indexes_[table].Insert(id, row);
    owners_[g]->tables.Append(static_cast<uint32_t>(table));
    owners_[g]->ids.Append(id);
    places.batch.push_back(0);
    places.place.push_back(0);
  }
  if (places.batch[row] != batch_) {
    places.batch[row] = batch_;
    places.place[row] = static_cast<uint32_t>(rows.rows.size());
    rows.rows.push_back(row);
  }
  return places.place[row];
}

std::vector<GroupRows> EmbeddingTables::Resolve(const EncodedBatch& batch) {
  ++batch_;
  std::vector<GroupRows> resolved(groups_.size());
  for (size_t g = 0; g < groups_.size(); ++g) {
    // Before any index changes, so that a failure leaves nothing half made.
    int64_t ids = 0;
    for (const int slot : groups_[g].singles) ids += static_cast<int64_t>(batch.slots[slot].ids.size());
    for (const int slot : groups_[g].sequences) ids += static_cast<int64_t>(batch.slots[slot].ids.size());
    stores_[g]->ReserveRows(ids);
  }
  for (size_t g = 0; g < groups_.size(); ++g) {
    const SlotGroup& group = groups_[g];
    GroupRows& rows = resolved[g];
    std::vector<float> created;
    const int64_t singles = static_cast<int64_t>(group.singles.size());
    rows.singles.resize(batch.rows * singles);
    for (int64_t j = 0; j < singles; ++j) {
      const int slot = group.singles[j];
      const std::vector<uint64_t>& slot_ids = batch.slots[slot].ids;
      const int table = spec_->slots()[slot].table;
      for (int64_t r = 0; r < batch.rows; ++r) {
        rows.singles[r * singles + j] = PlaceOf(static_cast<int>(g), table, slot_ids[r], rows, created);
      }
    }
    for (const int slot : group.sequences) {
      const SlotIds& slot_ids = batch.slots[slot];
      SequenceEntries& sequence = rows.sequences.emplace_back();
      for (const uint64_t id : slot_ids.ids) {
        sequence.entries.push_back(PlaceOf(static_cast<int>(g), spec_->slots()[slot].table, id, rows, created));
      }
      sequence.segments = Segments(slot_ids.lengths);
      sequence.factors = PoolingFactors(spec_->slots()[slot], slot_ids.lengths);
    }
    if (!created.empty()) stores_[g]->Append(created);
  }
  return resolved;
}

torch::Tensor EmbeddingTables::Assemble(const std::vector<GroupRows>& groups, const std::vector<torch::Tensor>& values,
                                        int64_t batch_rows, const SequenceAttention& attention) const {
  std::vector<GroupEmbeddings> made(groups.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    if (!groups[g].singles.empty()) {
      // Cloned, because the gradient's function keeps the index beyond this call.
      const torch::Tensor index = IndexTensor(groups[g].singles, device_).clone();
      made[g].singles = values[g].index_select(0, index).view({batch_rows, -1});
    }
    for (const SequenceEntries& sequence : groups[g].sequences) {
      made[g].entries.push_back(values[g].index_select(0, IndexTensor(sequence.entries, device_).clone()));
    }
    made[g].sequences = &groups[g].sequences;
  }
  return SideBySide(*spec_, groups_, made, batch_rows, attention);
}

std::shared_ptr<const FrozenTables> EmbeddingTables::Freeze() {
  auto frozen = std::make_shared<FrozenTables>();
  frozen->spec_ = spec_;
  frozen->groups_ = groups_;
  for (const auto& store : stores_) frozen->rows_.push_back(store->Freeze());
  for (const RowIndex& index : indexes_) frozen->indexes_.push_back(index.slots());
  return frozen;
}

uint64_t EmbeddingTables::memory_bytes() const {
  uint64_t bytes = 0;
  for (const auto& store : stores_) bytes += store->memory_bytes();
  for (const RowIndex& index : indexes_) bytes += index.memory_bytes();
  for (const Places& places : places_) bytes += places.batch.size() * (sizeof(uint64_t) + sizeof(uint32_t));
  for (const auto& owners : owners_) {
    bytes += static_cast<uint64_t>(owners->ids.size()) * (sizeof(uint64_t) + sizeof(uint32_t));
  }
  return bytes;
}

FrozenGroup EmbeddingTables::FreezeForCheckpoint(int g, bool all) {
  RowStore& store = *stores_[g];
  FrozenGroup frozen;
  frozen.dimension = store.dimension();
  frozen.state_width = store.state_width();
  frozen.rows = store.Freeze();
  frozen.owners = owners_[g];
  frozen.all = all;
  frozen.touched = store.TakeTouched();
  // Copied now, for the trainer writes them in place: 4 bytes a number of every row that the checkpoint writes.
  if (all) {
    frozen.states = store.state().narrow(0, 0, store.row_count()).clone().to(torch::kCPU);
  } else {
    std::vector<int64_t> rows;
    rows.reserve(frozen.touched.count());
    frozen.touched.ForEach([&rows](uint32_t row) { rows.push_back(row); });
    frozen.states = store.state().index_select(0, IndexTensor(rows, device_)).to(torch::kCPU);
  }
  return frozen;
}

void EmbeddingTables::Unfreeze(int g, FrozenGroup frozen) { stores_[g]->Touch(frozen.touched); }

void EmbeddingTables::ForgetTouched() {
  for (const auto& store : stores_) store->TakeTouched();
}

absl::Status EmbeddingTables::Restore(int g, absl::Span<const uint32_t> rows, absl::Span<const uint32_t> tables,
                                      absl::Span<const uint64_t> ids, absl::Span<const float> values,
                                      absl::Span<const float> states) {
  RowStore& store = *stores_[g];
  RowOwners& owners = *owners_[g];
  const int64_t count = static_cast<int64_t>(rows.size());
  const uint32_t before = store.row_count();
  int64_t known = 0;
  while (known < count && rows[known] < before) ++known;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t row = rows[i];
    if (i < known) {
      const bool ascends = i == 0 || rows[i - 1] < row;
      if (ascends && owners.tables.data()[row] == tables[i] && owners.ids.data()[row] == ids[i]) continue;
      return absl::DataLossError(absl::StrCat("row ", row, " is not the one it was"));
    }
    if (row != before + static_cast<uint64_t>(i - known)) {
      return absl::DataLossError(
          absl::StrCat("row ", row, " follows, expected row ", before + static_cast<uint64_t>(i - known)));
    }
    if (tables[i] >= indexes_.size() || std::find(groups_[g].tables.begin(), groups_[g].tables.end(),
                                                  static_cast<int>(tables[i])) == groups_[g].tables.end()) {
      return absl::DataLossError(
          absl::StrCat("row ", row, " is of table ", tables[i], ", whose rows are not among these"));
    }
  }
  if (known > 0) {
    torch::Tensor source = torch::from_blob(const_cast<float*>(values.data()), {known, store.dimension()});
    store.Write(rows.subspan(0, known), source.to(device_));
  }
  if (known < count) store.Append(values.subspan(known * store.dimension()));
  constexpr int64_t kAhead = 16;  // Rows whose place in the index is asked for already.
  for (int64_t i = known; i < count; ++i) {
    if (i + kAhead < count) indexes_[tables[i + kAhead]].Prefetch(ids[i + kAhead]);
    indexes_[tables[i]].Insert(ids[i], rows[i]);
    owners.tables.Append(tables[i]);
    owners.ids.Append(ids[i]);
  }
  places_[g].batch.resize(store.row_count(), 0);
  places_[g].place.resize(store.row_count(), 0);
  std::vector<int64_t> numbers(rows.begin(), rows.end());
  torch::Tensor source = torch::from_blob(const_cast<float*>(states.data()), {count, store.state_width()});
  store.state().index_copy_(0, IndexTensor(numbers, device_), source.to(device_));
  return absl::OkStatus();
}

}  // namespace polyscene
