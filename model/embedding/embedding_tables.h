// All embedding tables of a model: from a batch's ids to the embedding part of the network's input.
//
// Tables of one dimension share one RowStore, so that a step gathers and updates once a dimension, however many tables
// there are; a table with an optimizer of its own has a store of its own. Each table has an index of its own, so ids of
// different tables never meet.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "model/embedding/growing_array.h"
#include "model/embedding/row_index.h"
#include "model/embedding/row_store.h"
#include "model/embedding/sequence_attention.h"
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
  std::vector<int> tables;  // Indexes into ModelSpec::tables().
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
  std::vector<uint32_t> rows;    // Distinct rows of the store.
  std::vector<int64_t> singles;  // [batch rows, single slots] indexes into `rows`.
  std::vector<SequenceEntries> sequences;
};

// Rows as they were when frozen, with their indexes. Any thread may read it.
class FrozenTables {
 public:
  // [batch rows, EmbeddingWidth()] on the device; ids without a row get their initial values. attention: weighs the
  // values of the sequences that are pooled by it.
  torch::Tensor Embed(const EncodedBatch& batch, const SequenceAttention& attention) const;

 private:
  friend class EmbeddingTables;
  std::shared_ptr<const ModelSpec> spec_;
  std::vector<SlotGroup> groups_;
  std::vector<std::shared_ptr<const FrozenRows>> rows_;        // [groups]
  std::vector<std::shared_ptr<const RowIndexSlots>> indexes_;  // [tables]
};

// Whose row each row of a store is. A row keeps its owner.
struct RowOwners {
  GrowingArray<uint32_t> tables;  // Indexes into ModelSpec::tables().
  GrowingArray<uint64_t> ids;
};

// Rows of one store as a checkpoint writes them. Any thread may read it, while the trainer goes on.
struct FrozenGroup {
  int64_t dimension = 0;
  int64_t state_width = 1;
  std::shared_ptr<const FrozenRows> rows;
  std::shared_ptr<const RowOwners> owners;  // Of at least rows->row_count() rows.
  bool all = true;                          // Which rows: every one, or `touched`.
  TouchedRows touched;
  torch::Tensor states;  // Optimizer states of those rows, ascending by row: [count(), state_width] on the CPU.

  uint64_t count() const { return all ? rows->row_count() : touched.count(); }
};

// Threads: one, the trainer.
class EmbeddingTables {
 public:
  EmbeddingTables(std::shared_ptr<const ModelSpec> spec, torch::Device device);

  // Finds the rows of every id of the batch, making those that are missing. One a group. Throws std::bad_alloc (nothing
  // changed).
  std::vector<GroupRows> Resolve(const EncodedBatch& batch);

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
  uint64_t memory_bytes() const;  // Rows, their optimizer state, page tables and indexes.

  // Whose each row of the group's store is, by row number.
  const RowOwners& owners(int g) const { return *owners_[g]; }

  // For a checkpoint: every row, or those touched since the last call of this. Takes the touched rows over; Unfreeze()
  // gives them back where the checkpoint came to nothing.
  FrozenGroup FreezeForCheckpoint(int g, bool all);
  void Unfreeze(int g, FrozenGroup frozen);
  uint64_t touched_count(int g) const { return stores_[g]->touched_count(); }

  // Makes room for the rows of a table that will be restored.
  void ReserveRows(int table, uint64_t rows) { indexes_[table].Reserve(rows); }

  // Puts rows back as a checkpoint told them, n of each: `rows` ascending, each either there already, and then of the
  // same owner, or the next one after all that are. values: [n, dimension], states: [n, state width], on the CPU.
  // kDataLoss: they contradict each other or what is there. ForgetTouched(): what was restored is no change.
  absl::Status Restore(int g, absl::Span<const uint32_t> rows, absl::Span<const uint32_t> tables,
                       absl::Span<const uint64_t> ids, absl::Span<const float> values, absl::Span<const float> states);
  void ForgetTouched();

 private:
  // Remembers, while a batch is resolved, where each row of a store stands among the batch's distinct rows.
  struct Places {
    std::vector<uint64_t> batch;  // [store rows] number of the batch that met the row last.
    std::vector<uint32_t> place;  // [store rows] its index into GroupRows::rows then.
  };
  int64_t PlaceOf(int g, int table, uint64_t id, GroupRows& rows, std::vector<float>& created);

  std::shared_ptr<const ModelSpec> spec_;
  const torch::Device device_;
  std::vector<SlotGroup> groups_;
  std::vector<int> groups_of_tables_;               // [tables]
  std::vector<std::unique_ptr<RowStore>> stores_;   // [groups]
  std::vector<Places> places_;                      // [groups]
  std::vector<std::shared_ptr<RowOwners>> owners_;  // [groups]
  std::vector<RowIndex> indexes_;                   // [tables]
  uint64_t batch_ = 0;
};

}  // namespace polyscene
