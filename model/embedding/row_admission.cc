// Which ids get a row in a step, and which rows are let go.
#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "model/embedding/embedding_tables.h"

namespace polyscene {

void EmbeddingTables::Admit(std::vector<GroupRows>& groups, int64_t batch_rows, uint64_t rows_learned) {
  for (size_t g = 0; g < groups.size(); ++g) stores_[g]->ReserveRows(static_cast<int64_t>(groups[g].missing.size()));
  for (size_t i = 0; i < groups.size(); ++i) {
    const int g = static_cast<int>(i);
    GroupRows& rows = groups[i];
    if (uses_[g] != nullptr) {
      See(g, rows, rows_learned);
      if (groups_[g].soonest_expiry > 0) Expire(g, batch_rows, rows_learned);
    }
    if (rows.missing.empty()) continue;
    std::vector<uint32_t> chosen = ChooseAdmitted(rows);
    if (groups_[g].most_rows > 0) {
      chosen.resize(std::min<uint64_t>(chosen.size(), MakeRoom(g, chosen.size(), rows, rows_learned)));
    }
    if (!chosen.empty()) GiveRows(g, chosen, rows, rows_learned);
  }
}

void EmbeddingTables::See(int g, const GroupRows& rows, uint64_t rows_learned) {
  for (size_t n = 0; n < rows.rows.size(); ++n) {
    if (rows.rows[n] == kNoRow) continue;
    uses_[g]->See(rows.rows[n], rows.seen[n], rows_learned);
    stores_[g]->Touch(rows.rows[n]);  // The next checkpoint has it, even where no weight of it changes.
  }
}

void EmbeddingTables::Expire(int g, int64_t batch_rows, uint64_t rows_learned) {
  const auto soonest = static_cast<uint64_t>(groups_[g].soonest_expiry);
  constexpr uint64_t kRounds = 8;  // Of the hand, while a row expires.
  std::vector<uint32_t> expired;
  const auto look = [&](uint32_t row) {
    if (!uses_[g]->Unseen(row, soonest, rows_learned)) return;
    const RowOwner owner = stores_[g]->owner(row);
    if (owner.table == kNoTable) return;
    const int64_t after = spec_->tables()[owner.table].expire_after_rows;
    if (after == 0 || !uses_[g]->Unseen(row, static_cast<uint64_t>(after), rows_learned)) return;
    ++lives_[owner.table].expired;
    expired.push_back(row);
  };
  uses_[g]->Sweep(static_cast<uint64_t>(batch_rows), std::max<uint64_t>(1, soonest / kRounds), stores_[g]->row_count(),
                  look);
  LetGo(g, expired);
}

std::vector<uint32_t> EmbeddingTables::ChooseAdmitted(const GroupRows& rows) {
  std::vector<uint32_t> chosen;
  for (const uint32_t n : rows.missing) {
    const uint32_t table = rows.tables[n];
    WaitingIds* waiting = waiting_[table].get();
    if (waiting == nullptr ||
        waiting->See(rows.ids[n], rows.seen[n]) >= static_cast<uint32_t>(spec_->tables()[table].admit_after)) {
      chosen.push_back(n);
    }
  }
  return chosen;
}

uint64_t EmbeddingTables::MakeRoom(int g, uint64_t wanted, const GroupRows& rows, uint64_t rows_learned) {
  const int table = groups_[g].tables[0];
  const auto most = static_cast<uint64_t>(groups_[g].most_rows);
  const auto have = [&] { return table_rows(table); };
  if (have() + wanted > most) {
    const absl::flat_hash_set<uint32_t> of_this_step(rows.rows.begin(), rows.rows.end());
    const RowSet& free = stores_[g]->free_rows();
    const std::vector<uint32_t> least =
        uses_[g]->LeastUseful(have() + wanted - most, stores_[g]->row_count(), rows_learned,
                              [&](uint32_t row) { return !free.Contains(row) && !of_this_step.contains(row); });
    lives_[table].evicted += least.size();
    LetGo(g, least);
  }
  return most - std::min(most, have());
}

void EmbeddingTables::GiveRows(int g, absl::Span<const uint32_t> chosen, GroupRows& rows, uint64_t rows_learned) {
  const auto dimension = static_cast<size_t>(groups_[g].dimension);
  std::vector<RowOwner> owners;
  std::vector<float> values;
  std::vector<uint32_t> left;  // Of the missing: `chosen` has its order.
  std::vector<float> left_initial;
  for (size_t i = 0, c = 0; i < rows.missing.size(); ++i) {
    const uint32_t n = rows.missing[i];
    const bool is_chosen = c < chosen.size() && chosen[c] == n;
    const float* initial = &rows.initial[i * dimension];
    std::vector<float>& into = is_chosen ? values : left_initial;
    into.insert(into.end(), initial, initial + dimension);
    if (is_chosen) {
      owners.push_back({rows.tables[n], rows.ids[n]});
      ++c;
    } else {
      left.push_back(n);
    }
  }
  const std::vector<uint32_t> given = stores_[g]->Add(values, owners);
  for (size_t i = 0; i < given.size(); ++i) {
    const uint32_t n = chosen[i];
    const int table = static_cast<int>(rows.tables[n]);
    Insert(g, table, rows.ids[n], given[i]);
    if (waiting_[table] != nullptr) waiting_[table]->Forget(rows.ids[n]);
    if (uses_[g] != nullptr) {
      uses_[g]->Begin(given[i]);
      uses_[g]->See(given[i], rows.seen[n], rows_learned);
    }
    rows.rows[n] = given[i];
  }
  rows.missing = std::move(left);
  rows.initial = std::move(left_initial);
}

void EmbeddingTables::Insert(int g, int table, uint64_t id, uint32_t row) {
  RowIndex& index = indexes_[table];
  if (!index.HasRoom() && !stores_[g]->keeps_owners()) {
    index.Rebuild([&](uint32_t other, uint32_t tag) {
      const RowOwner owner = stores_[g]->owner(other);
      return owner.table == static_cast<uint32_t>(table) && RowIndexSlots::Tag(owner.id) == tag;
    });
  }
  index.Insert(id, row);
}

void EmbeddingTables::LetGo(int g, absl::Span<const uint32_t> rows) {
  if (rows.empty()) return;
  for (const uint32_t row : rows) indexes_[stores_[g]->owner(row).table].Forget();
  stores_[g]->LetGo(rows);
}

TableLife EmbeddingTables::table_life(int table) const {
  TableLife life = lives_[table];
  life.rows = table_rows(table);
  life.waiting = waiting_[table] == nullptr ? 0 : waiting_[table]->size();
  return life;
}

}  // namespace polyscene
