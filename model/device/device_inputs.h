// From encoded ids and numbers to the network's inputs on a device.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "model/device/staging.h"
#include "model/embedding/embedding_tables.h"
#include "model/embedding/sequence_attention.h"
#include "model/feature/encoded_batch.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Row numbers are found on the host, in the snapshot's own index and page table; the device gathers by the places that
// they lead to. So the tables need no copy for serving, and a snapshot of any age reads its own rows. Keeps memory
// between calls; not thread-safe.
class DeviceInputs {
 public:
  DeviceInputs(const ModelSpec& spec, torch::Device device);

  // Takes the memory that so many rows may need, but for sequences, before there are any. As Staging::Begin().
  void Reserve(int64_t rows) { staging_.Begin(MostBytes(rows, /*with_sequences=*/false)); }

  // Goes back to the first row of `batch`, which outlives the Stage() calls.
  void Begin(const EncodedBatch& batch);

  // Writes what the device has to know of the next `count` rows into host memory. As Staging::Begin() otherwise.
  void Stage(const FrozenTables& tables, int64_t count);

  // To the device: in one copy.
  void Send() { staging_.Send(); }
  int64_t bytes_sent() const { return staging_.bytes(); }

  // On the device: the rows that were staged and sent, into the first ones of `inputs` [>= count, width()].
  void Assemble(const FrozenTables& tables, const SequenceAttention& attention, const torch::Tensor& inputs) const;

  int64_t width() const { return embedding_width_ + spec_.dense_width(); }

 private:
  // The values of a sequence slot, behind each other in its group's entries.
  struct StagedSequence {
    int64_t begin = 0;  // Of its group's entries.
    int64_t count = 0;
    Staging::Part<int64_t> rows;   // [count] the row of the batch that each belongs to.
    Staging::Part<float> factors;  // [rows] what their sum is multiplied with: 1 / length for a mean.
  };
  struct StagedGroup {
    Staging::Part<int64_t> places;   // [entries] in the arena; single values row by row, then the sequences.
    Staging::Part<int64_t> unknown;  // Entries whose id has no row,
    Staging::Part<float> initial;    // and their values.
    std::vector<StagedSequence> sequences;
  };
  struct Unknown {
    int64_t entry;
    int table;
    uint64_t id;
  };

  // Of the next `count` rows, or with sequences that are empty, of any.
  int64_t MostBytes(int64_t count, bool with_sequences) const;
  void StageGroup(const FrozenTables& tables, int g, int64_t count);
  // Finds the rows of a slot's ids and writes their places, the first one at `entry`, the next ones `stride` further.
  void FindPlaces(const FrozenTables& tables, int g, int slot, absl::Span<const uint64_t> ids, int64_t entry,
                  int64_t stride, absl::Span<int64_t> places);
  void StageSequence(int slot, int64_t count, StagedSequence& sequence);
  void StageInitial(int g, StagedGroup& staged);
  absl::Span<const uint64_t> Ids(int slot, int64_t count) const;  // Of the next rows.

  torch::Tensor GatherGroup(const FrozenTables& tables, int g) const;  // [entries, dimension]
  torch::Tensor PoolSequence(const StagedSequence& sequence, int slot, const std::vector<torch::Tensor>& gathered,
                             const torch::Tensor& entries, const SequenceAttention& attention) const;
  // The embeddings that the rows have in a single-valued slot: [rows, dimension].
  torch::Tensor SlotValues(const std::vector<torch::Tensor>& gathered, int slot) const;

  const ModelSpec& spec_;
  const std::vector<SlotGroup> groups_;
  const int64_t embedding_width_;
  Staging staging_;

  const EncodedBatch* batch_ = nullptr;
  int64_t row_ = 0;                 // The next one to be staged.
  std::vector<size_t> next_value_;  // [slots] of sequences: where its ids begin.

  int64_t staged_rows_ = 0;
  std::vector<StagedGroup> staged_;  // [groups]
  Staging::Part<float> dense_;       // [rows, dense width]

  std::vector<uint32_t> found_;  // These two are filled anew for each slot and group.
  std::vector<Unknown> unknown_;
};

}  // namespace polyscene
