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

// Of counts, in learned rows for each row of a full table. Where a learned row has one id of it, a stream whose popular
// ids change found a row for 45 % of its ids at 1, 50 % at 4, 55 % at 16 and 54 % at 64.
constexpr uint64_t kHalfLife = 16;

uint64_t HalfLife(const SlotGroup& group) { return kHalfLife * static_cast<uint64_t>(group.most_rows); }

// As many rows as the table's bound has room for.
int64_t MostRows(const TableSpec& table) {
  const auto bytes = [&table](int64_t rows) {
    const auto count = static_cast<uint64_t>(rows);
    return RowStore::BytesFor(count, table.dimension, table.state_width) + RowIndex::BytesFor(count) +
           count * RowUses::kBytes;
  };
  int64_t most = 0;
  for (int64_t step = int64_t{1} << 31; step > 0; step /= 2) {
    if (bytes(most + step) <= static_cast<uint64_t>(table.max_bytes)) most += step;
  }
  return most;
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
      group.keeps_uses = KeepsUses(table);
      group.most_rows = table.max_bytes == 0 ? 0 : MostRows(table);
    }
    SlotGroup& group = groups[stores[t]];
    group.tables.push_back(static_cast<int>(t));
    const int64_t expiry = spec.tables()[t].expire_after_rows;
    if (expiry > 0 && (group.soonest_expiry == 0 || expiry < group.soonest_expiry)) group.soonest_expiry = expiry;
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
    std::vector<uint32_t> found;
    const auto find = [&](int slot, int64_t first_entry, int64_t stride) {
      const std::vector<uint64_t>& ids = batch.slots[slot].ids;
      const int table = spec_->slots()[slot].table;
      found.resize(ids.size());
      FindRows(*indexes_[table], frozen, static_cast<uint32_t>(table), ids, absl::MakeSpan(found));
      for (size_t i = 0; i < ids.size(); ++i) {
        if (found[i] == kNoRow) unknown.push_back({first_entry + static_cast<int64_t>(i) * stride, table, ids[i]});
      }
    };

    const int64_t singles = static_cast<int64_t>(group.singles.size());
    std::vector<uint32_t> rows(batch.rows * singles);
    for (int64_t j = 0; j < singles; ++j) {
      find(group.singles[j], j, singles);
      for (int64_t r = 0; r < batch.rows; ++r) rows[r * singles + j] = found[r];
    }
    for (const int slot : group.sequences) {
      find(slot, static_cast<int64_t>(rows.size()), 1);
      rows.insert(rows.end(), found.begin(), found.end());
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
      indexes_(spec_->tables().size()),
      lives_(spec_->tables().size()) {
  for (const SlotGroup& group : groups_) {
    stores_.push_back(std::make_unique<RowStore>(group.dimension, device, group.state_width));
    uses_.push_back(group.keeps_uses ? std::make_unique<RowUses>(HalfLife(group)) : nullptr);
    if (group.keeps_uses) stores_.back()->ExpectLetGo();
  }
  for (const TableSpec& table : spec_->tables()) {
    waiting_.push_back(table.admit_after > 1 ? std::make_unique<WaitingIds>() : nullptr);
  }
}

std::vector<GroupRows> EmbeddingTables::Resolve(const EncodedBatch& batch) {
  std::vector<GroupRows> resolved(groups_.size());
  for (size_t g = 0; g < groups_.size(); ++g) ResolveGroup(static_cast<int>(g), batch, resolved[g]);
  return resolved;
}

void EmbeddingTables::ResolveGroup(int g, const EncodedBatch& batch, GroupRows& rows) {
  const SlotGroup& group = groups_[g];
  size_t ids = 0;
  for (const int slot : group.singles) ids += batch.slots[slot].ids.size();
  for (const int slot : group.sequences) ids += batch.slots[slot].ids.size();
  batch_ids_.Begin(ids);
  const auto number = [&](int table, uint64_t id) -> int64_t {
    const uint32_t n = batch_ids_.Number(static_cast<uint32_t>(table), id);
    if (n == rows.ids.size()) {
      rows.tables.push_back(static_cast<uint32_t>(table));
      rows.ids.push_back(id);
      rows.seen.push_back(0);
    }
    ++rows.seen[n];
    return n;
  };
  const int64_t singles = static_cast<int64_t>(group.singles.size());
  rows.singles.resize(batch.rows * singles);
  for (int64_t j = 0; j < singles; ++j) {
    const int slot = group.singles[j];
    const std::vector<uint64_t>& slot_ids = batch.slots[slot].ids;
    const int table = spec_->slots()[slot].table;
    for (int64_t r = 0; r < batch.rows; ++r) rows.singles[r * singles + j] = number(table, slot_ids[r]);
    FindNew(g, table, rows);
  }
  for (const int slot : group.sequences) {
    const SlotIds& slot_ids = batch.slots[slot];
    const int table = spec_->slots()[slot].table;
    SequenceEntries& sequence = rows.sequences.emplace_back();
    for (const uint64_t id : slot_ids.ids) sequence.entries.push_back(number(table, id));
    FindNew(g, table, rows);
    sequence.segments = Segments(slot_ids.lengths);
    sequence.factors = PoolingFactors(spec_->slots()[slot], slot_ids.lengths);
  }
  const auto dimension = static_cast<size_t>(group.dimension);
  rows.initial.resize(rows.missing.size() * dimension);
  for (size_t i = 0; i < rows.missing.size(); ++i) {
    InitialRow(spec_->file().seed(), rows.tables[rows.missing[i]], rows.ids[rows.missing[i]], group.initial_range,
               absl::MakeSpan(&rows.initial[i * dimension], dimension));
  }
}

void EmbeddingTables::FindNew(int g, int table, GroupRows& rows) const {
  const size_t known = rows.rows.size();
  rows.rows.resize(rows.ids.size());
  FindRows(indexes_[table].array(), *stores_[g], static_cast<uint32_t>(table),
           absl::MakeConstSpan(rows.ids).subspan(known), absl::MakeSpan(rows.rows).subspan(known));
  for (size_t n = known; n < rows.rows.size(); ++n) {
    if (rows.rows[n] == kNoRow) rows.missing.push_back(static_cast<uint32_t>(n));
  }
}

torch::Tensor EmbeddingTables::Gather(int g, const GroupRows& rows) const {
  torch::Tensor values = stores_[g]->Gather(rows.rows);
  if (rows.missing.empty()) return values;
  const std::vector<int64_t> places(rows.missing.begin(), rows.missing.end());
  const torch::Tensor initial = torch::from_blob(const_cast<float*>(rows.initial.data()),
                                                 {static_cast<int64_t>(places.size()), groups_[g].dimension});
  return values.index_copy_(0, IndexTensor(places, device_), initial.to(device_));
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
  for (const auto& uses : uses_) bytes += uses == nullptr ? 0 : uses->memory_bytes();
  for (const auto& waiting : waiting_) bytes += waiting == nullptr ? 0 : waiting->memory_bytes();
  return bytes;
}

}  // namespace polyscene
