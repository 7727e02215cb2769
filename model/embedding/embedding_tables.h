// All embedding tables of a model: from a batch's ids to the embedding part of the network's input.
//
// Tables of one dimension share one RowStore, so that a step gathers and updates once a dimension, however many tables
// there are; a table with an optimizer of its own has a store of its own. Each table has an index of its own, so ids of
// different tables never meet.
//
// Which ids have a row (RowPolicy in model.proto) follows what was learned, in order. In a step, once its gradients are
// there: first the ids that have a row are seen; then rows whose time is up are let go; then of the ids without a row
// those are chosen that were seen often enough, the ones of this step included, each time an id occurs counting; then,
// where the table has a bound, the least useful rows make room, never one of this step; then the chosen get their rows,
// as far as there is room, in the order in which the step has them. An id without a row is its initial value, and its
// gradient is dropped.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/embedding/batch_ids.h"
#include "model/embedding/row_index.h"
#include "model/embedding/row_store.h"
#include "model/embedding/row_uses.h"
#include "model/embedding/sequence_attention.h"
#include "model/embedding/waiting_ids.h"
#include "model/feature/encoded_batch.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// The slots of one store. In the network's input its single-valued slots come first, side by side, then its sequences.
struct SlotGroup {
  int dimension = 0;
  int state_width = 1;  // Of the optimizer, a row.
  float initial_range = 0;
  std::vector<int> singles;  // Indexes into ModelSpec::slots().
  std::vector<int> sequences;
  std::vector<int> tables;     // Indexes into ModelSpec::tables().
  bool keeps_uses = false;     // Rows may be let go:
  int64_t soonest_expiry = 0;  // after so many learned rows of not being seen at the soonest; 0: never,
  int64_t most_rows = 0;       // or where so many would be too many; 0: never. Then it is of one table.
};
std::vector<SlotGroup> GroupSlots(const ModelSpec& spec);
int64_t EmbeddingWidth(const ModelSpec& spec);  // Embedding inputs a row of the network's input has.

// Which entries of a gathered [entries, dimension] matrix make up each row's inputs.
struct SequenceEntries {
  std::vector<int64_t> entries;   // One an id.
  std::vector<int64_t> segments;  // The row each belongs to.
  std::vector<float> factors;     // [rows] what the sum is multiplied with: 1 / length for a mean.
};
struct GroupRows {
  std::vector<uint32_t> tables;  // Of the distinct ids,
  std::vector<uint64_t> ids;     // these,
  std::vector<uint32_t> seen;    // how often they are there,
  std::vector<uint32_t> rows;    // and their rows of the store; kNoRow: none, as yet.
  std::vector<int64_t> singles;  // [batch rows, single slots] indexes into `rows`.
  std::vector<SequenceEntries> sequences;
  std::vector<uint32_t> missing;  // Indexes into `rows` of those without one,
  std::vector<float> initial;     // and their values: [missing, dimension].
};

// Rows as they were when frozen, with their indexes. Any thread may read it.
class FrozenTables {
 public:
  // [batch rows, EmbeddingWidth()] on the device; ids without a row get their initial values. attention: weighs the
  // values of the sequences that are pooled by it.
  torch::Tensor Embed(const EncodedBatch& batch, const SequenceAttention& attention) const;

  // For who gathers rows without LibTorch: of a group of GroupSlots(), and of one of ModelSpec::tables().
  const SlotGroup& group(int g) const { return groups_[g]; }
  const FrozenRows& rows(int g) const { return *rows_[g]; }
  const RowIndexSlots& index(int table) const { return *indexes_[table]; }

 private:
  friend class EmbeddingTables;
  std::shared_ptr<const ModelSpec> spec_;
  std::vector<SlotGroup> groups_;
  std::vector<std::shared_ptr<const FrozenRows>> rows_;        // [groups]
  std::vector<std::shared_ptr<const RowIndexSlots>> indexes_;  // [tables]
};

// Rows of one store as a checkpoint writes them. Any thread may read it, while the trainer goes on.
struct FrozenGroup {
  int64_t dimension = 0;
  int64_t state_width = 1;
  int table = 0;  // One whose rows the store holds.
  std::shared_ptr<const FrozenRows> rows;
  bool all = true;  // Which rows: every one, or `touched`; never a free one.
  RowSet touched;
  RowSet let_go;  // Those that were let go since, which may be another's by now; with `all`, every free one too.
  uint64_t count = 0;
  // Of `touched` in ascending order, or where it is all by row number, free ones included:
  torch::Tensor states;  // [.., state_width] on the CPU.
  bool keeps_uses = false;
  std::vector<RowUse> uses;  // Where they are kept.
};

// What became of a table's ids, since the tables were made.
struct TableLife {
  uint64_t rows = 0;     // That it has.
  uint64_t waiting = 0;  // Ids that were seen and have no row, as far as they are counted.
  uint64_t expired = 0;  // Rows let go that were not seen for too long,
  uint64_t evicted = 0;  // and that others needed the room of.
};

// Threads: one, the trainer.
class EmbeddingTables {
 public:
  EmbeddingTables(std::shared_ptr<const ModelSpec> spec, torch::Device device);

  // Finds the rows of every id of the batch. One a group. Changes nothing.
  std::vector<GroupRows> Resolve(const EncodedBatch& batch);

  // [GroupRows::rows, dimension] on the device.
  torch::Tensor Gather(int g, const GroupRows& rows) const;

  // The batch is learned, in the step that makes it `rows_learned` rows in all: which of its ids get a row, and which
  // rows are let go, as is said above. Fills in GroupRows::rows; `missing` is what still has none. Throws
  // std::bad_alloc, before anything changed.
  void Admit(std::vector<GroupRows>& groups, int64_t batch_rows, uint64_t rows_learned);

  // [batch rows, EmbeddingWidth()] from each group's gathered rows ([GroupRows::rows, dimension]); gradients flow back
  // into them.
  torch::Tensor Assemble(const std::vector<GroupRows>& groups, const std::vector<torch::Tensor>& values,
                         int64_t batch_rows, const SequenceAttention& attention) const;

  std::shared_ptr<const FrozenTables> Freeze();

  int group_count() const { return static_cast<int>(groups_.size()); }
  const SlotGroup& group(int g) const { return groups_[g]; }
  int group_of_table(int table) const { return groups_of_tables_[table]; }
  RowStore& store(int g) { return *stores_[g]; }
  const RowStore& store(int g) const { return *stores_[g]; }
  uint64_t table_rows(int table) const { return indexes_[table].size(); }
  TableLife table_life(int table) const;
  uint64_t memory_bytes() const;  // Rows, their optimizer state, page tables, indexes and what is kept of ids' uses.

  // For a checkpoint: every row, or those touched since the last call of this. Takes the touched rows over; Unfreeze()
  // gives them back where the checkpoint came to nothing.
  FrozenGroup FreezeForCheckpoint(int g, bool all);
  void Unfreeze(int g, FrozenGroup frozen);
  uint64_t touched_count(int g) const { return stores_[g]->touched_count(); }

  // Makes room for the rows of a table that will be restored.
  void ReserveRows(int table, uint64_t rows) { indexes_[table].Reserve(rows); }

  // Puts rows back as a checkpoint told them, n of each: `rows` each either there already, and then free or of the same
  // owner, or the next one after all that are. values: [n, dimension], states: [n, state width], on the CPU; uses: n
  // where the group keeps them. kDataLoss: they contradict each other or what is there. ForgetTouched(): what was
  // restored is no change.
  absl::Status Restore(int g, absl::Span<const uint32_t> rows, absl::Span<const uint32_t> tables,
                       absl::Span<const uint64_t> ids, absl::Span<const float> values, absl::Span<const float> states,
                       absl::Span<const RowUse> uses = {});
  void RestoreLetGo(int g, absl::Span<const uint32_t> rows);  // Those that are not there yet are made as free ones.
  void ForgetTouched();

  // What a checkpoint has of it beside rows, section by section; none where no table has a policy. Restoring ignores
  // tables that are not there, and hands where rows were renumbered. kDataLoss: not what SerializeLife() gave.
  struct Section {
    std::string name;
    std::string bytes;
  };
  std::vector<Section> SerializeLife() const;
  static bool IsLife(absl::string_view section);
  absl::Status RestoreLife(const Section& section, bool with_hands);

 private:
  void ResolveGroup(int g, const EncodedBatch& batch, GroupRows& rows);
  void FindNew(int g, int table, GroupRows& rows) const;  // Of those ids of which none was looked for.

  void See(int g, const GroupRows& rows, uint64_t rows_learned);
  void Expire(int g, int64_t batch_rows, uint64_t rows_learned);
  std::vector<uint32_t> ChooseAdmitted(const GroupRows& rows);
  uint64_t MakeRoom(int g, uint64_t wanted, const GroupRows& rows, uint64_t rows_learned);  // Rows there is room for.
  void GiveRows(int g, absl::Span<const uint32_t> chosen, GroupRows& rows, uint64_t rows_learned);
  void Insert(int g, int table, uint64_t id, uint32_t row);
  void LetGo(int g, absl::Span<const uint32_t> rows);  // None is free.

  std::shared_ptr<const ModelSpec> spec_;
  const torch::Device device_;
  std::vector<SlotGroup> groups_;
  std::vector<int> groups_of_tables_;                 // [tables]
  std::vector<std::unique_ptr<RowStore>> stores_;     // [groups]
  std::vector<std::unique_ptr<RowUses>> uses_;        // [groups]; null where no row is ever let go.
  std::vector<RowIndex> indexes_;                     // [tables]
  std::vector<std::unique_ptr<WaitingIds>> waiting_;  // [tables]; null where each id gets its row at once.
  std::vector<TableLife> lives_;                      // [tables] as far as it is counted.
  BatchIds batch_ids_;                                // Filled anew each time; kept for its memory.
};

}  // namespace polyscene
