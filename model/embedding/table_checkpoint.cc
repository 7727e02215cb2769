// Embedding tables into a checkpoint and back.
#include <torch/torch.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "model/embedding/embedding_tables.h"

namespace polyscene {
namespace {

constexpr char kHandsSection[] = "row_hands";  // "table eviction_hand expiry_hand" a line, a line a store.
constexpr char kWaitingPrefix[] = "waiting/";  // And the table's name: see WaitingIds.

torch::Tensor Numbers(const std::vector<int64_t>& rows, torch::Device device) {
  return torch::from_blob(const_cast<int64_t*>(rows.data()), {static_cast<int64_t>(rows.size())}, torch::kInt64)
      .clone()
      .to(device);
}

}  // namespace

FrozenGroup EmbeddingTables::FreezeForCheckpoint(int g, bool all) {
  RowStore& store = *stores_[g];
  FrozenGroup frozen;
  frozen.dimension = store.dimension();
  frozen.state_width = store.state_width();
  frozen.table = groups_[g].tables[0];
  frozen.keeps_uses = uses_[g] != nullptr;
  frozen.rows = store.Freeze();
  frozen.all = all;
  frozen.touched = store.TakeTouched();
  frozen.let_go = store.TakeLetGo();
  if (all) frozen.let_go.AddAll(store.free_rows());
  // Copied now, for the trainer writes them in place: 4 bytes a number of every row that the checkpoint writes, and
  // what is kept of its uses.
  if (all) {
    frozen.count = store.row_count() - store.free_rows().count();
    frozen.states = store.state().narrow(0, 0, store.row_count()).clone().to(torch::kCPU);
    if (frozen.keeps_uses) frozen.uses.reserve(store.row_count());
    for (uint32_t row = 0; frozen.keeps_uses && row < store.row_count(); ++row) {
      frozen.uses.push_back(uses_[g]->at(row));
    }
    return frozen;
  }
  std::vector<int64_t> rows;
  rows.reserve(frozen.touched.count());
  frozen.touched.ForEach([&](uint32_t row) {
    if (!store.free_rows().Contains(row)) rows.push_back(row);
  });
  frozen.count = rows.size();
  frozen.states = store.state().index_select(0, Numbers(rows, device_)).to(torch::kCPU);
  for (size_t i = 0; frozen.keeps_uses && i < rows.size(); ++i) {
    frozen.uses.push_back(uses_[g]->at(static_cast<uint32_t>(rows[i])));
  }
  return frozen;
}

void EmbeddingTables::Unfreeze(int g, FrozenGroup frozen) {
  stores_[g]->Touch(frozen.touched);
  stores_[g]->TouchLetGo(frozen.let_go);
}

void EmbeddingTables::ForgetTouched() {
  for (const auto& store : stores_) {
    store->TakeTouched();
    store->TakeLetGo();
  }
}

absl::Status EmbeddingTables::Restore(int g, absl::Span<const uint32_t> rows, absl::Span<const uint32_t> tables,
                                      absl::Span<const uint64_t> ids, absl::Span<const float> values,
                                      absl::Span<const float> states, absl::Span<const RowUse> uses) {
  RowStore& store = *stores_[g];
  const std::vector<int>& own_tables = groups_[g].tables;
  const int64_t width = store.dimension();
  uint64_t next = store.row_count();
  std::vector<uint32_t> known, added;
  std::vector<RowOwner> owners;  // Of `added`.
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t row = rows[i];
    const RowOwner before = row < store.row_count() ? store.owner(row) : RowOwner();
    const bool is_known = before.table != kNoTable;
    if (is_known && (before.table != tables[i] || before.id != ids[i])) {
      return absl::DataLossError(absl::StrCat("row ", row, " is not the one it was"));
    }
    if (row >= store.row_count() && row != next++) {
      return absl::DataLossError(absl::StrCat("row ", row, " follows, expected row ", next - 1));
    }
    if (std::find(own_tables.begin(), own_tables.end(), static_cast<int>(tables[i])) == own_tables.end()) {
      return absl::DataLossError(
          absl::StrCat("row ", row, " is of table ", tables[i], ", whose rows are not among these"));
    }
    (is_known ? known : added).push_back(row);
    if (!is_known) owners.push_back({tables[i], ids[i]});
  }
  const bool mixed = !known.empty() && !added.empty();
  std::vector<float> known_values, added_values;
  for (size_t i = 0, k = 0; mixed && i < rows.size(); ++i) {
    const bool is_known = k < known.size() && known[k] == rows[i];
    k += is_known;
    std::vector<float>& into = is_known ? known_values : added_values;
    into.insert(into.end(), &values[i * width], &values[i * width] + width);
  }
  if (!known.empty()) {
    const float* from = mixed ? known_values.data() : values.data();
    const torch::Tensor source =
        torch::from_blob(const_cast<float*>(from), {static_cast<int64_t>(known.size()), width});
    store.Write(known, source.to(device_));
  }
  if (!added.empty()) store.AddAt(added, mixed ? added_values : values, owners);
  constexpr size_t kAhead = 16;  // Rows whose place in the index is asked for already.
  for (size_t i = 0; i < added.size(); ++i) {
    if (i + kAhead < added.size()) {
      const RowOwner& next = owners[i + kAhead];
      indexes_[next.table].array().PrefetchTag(RowIndexSlots::Tag(next.id));
    }
    Insert(g, static_cast<int>(owners[i].table), owners[i].id, added[i]);
  }
  for (size_t i = 0; i < uses.size() && uses_[g] != nullptr; ++i) uses_[g]->Set(rows[i], uses[i]);
  const std::vector<int64_t> numbers(rows.begin(), rows.end());
  const torch::Tensor source =
      torch::from_blob(const_cast<float*>(states.data()), {static_cast<int64_t>(rows.size()), store.state_width()});
  store.state().index_copy_(0, Numbers(numbers, device_), source.to(device_));
  return absl::OkStatus();
}

void EmbeddingTables::RestoreLetGo(int g, absl::Span<const uint32_t> rows) {
  for (const uint32_t row : rows) {
    const RowOwner owner = row < stores_[g]->row_count() ? stores_[g]->owner(row) : RowOwner();
    if (owner.table != kNoTable) indexes_[owner.table].Forget();
  }
  stores_[g]->LetGo(rows);
}

std::vector<EmbeddingTables::Section> EmbeddingTables::SerializeLife() const {
  std::vector<Section> sections;
  std::string hands;
  for (size_t g = 0; g < groups_.size(); ++g) {
    if (uses_[g] == nullptr) continue;
    absl::StrAppend(&hands, spec_->tables()[groups_[g].tables[0]].name, " ", uses_[g]->eviction_hand(), " ",
                    uses_[g]->expiry_hand(), "\n");
  }
  if (!hands.empty()) sections.push_back({kHandsSection, std::move(hands)});
  for (size_t t = 0; t < waiting_.size(); ++t) {
    if (waiting_[t] == nullptr) continue;
    sections.push_back({absl::StrCat(kWaitingPrefix, spec_->tables()[t].name), waiting_[t]->Serialize()});
  }
  return sections;
}

bool EmbeddingTables::IsLife(absl::string_view section) {
  return section == kHandsSection || absl::StartsWith(section, kWaitingPrefix);
}

absl::Status EmbeddingTables::RestoreLife(const Section& section, bool with_hands) {
  const auto find = [this](absl::string_view name) {
    int table = 0;
    while (table < static_cast<int>(indexes_.size()) && spec_->tables()[table].name != name) ++table;
    return table < static_cast<int>(indexes_.size()) ? table : -1;
  };
  absl::string_view name = section.name;
  if (absl::ConsumePrefix(&name, kWaitingPrefix)) {
    const int table = find(name);
    if (table < 0 || waiting_[table] == nullptr) return absl::OkStatus();
    return waiting_[table]->Restore(section.bytes);
  }
  for (const absl::string_view line : absl::StrSplit(section.bytes, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    uint32_t eviction = 0;
    uint32_t expiry = 0;
    if (words.size() != 3 || !absl::SimpleAtoi(words[1], &eviction) || !absl::SimpleAtoi(words[2], &expiry)) {
      return absl::DataLossError(absl::StrCat("checkpoint: section '", kHandsSection, "' cannot be read"));
    }
    const int table = find(words[0]);
    if (table < 0 || !with_hands) continue;
    RowUses* uses = uses_[groups_of_tables_[table]].get();
    if (uses != nullptr) uses->SetHands(eviction, expiry);
  }
  return absl::OkStatus();
}

}  // namespace polyscene
