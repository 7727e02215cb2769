// A checkpoint of another model file, taken over by name.
#include <torch/torch.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "model/learning/moved_parameters.h"
#include "model/learning/schema_change.h"
#include "model/learning/torch_learner.h"
#include "model/serving/evaluation_layout.h"
#include "model/serving/torch_snapshot.h"
#include "model/spec/row_stores.h"

namespace polyscene {
namespace {

absl::StatusOr<torch::Tensor> ReadFloats(const CheckpointReader& state, const std::string& name, int64_t count) {
  const auto bytes = state.Read(name);
  if (!bytes.ok()) return bytes.status();
  torch::Tensor floats = torch::empty({count}, torch::kFloat32);
  if (bytes->size() != floats.nbytes()) {
    return absl::DataLossError(
        absl::StrCat("checkpoint: section '", name, "' has ", bytes->size(), " bytes, expected ", floats.nbytes()));
  }
  std::memcpy(floats.data_ptr(), bytes->data(), bytes->size());
  return floats;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> TorchLearner::RestoreByName(const StoredCheckpoint& stored,
                                                                     const ModelSpec& old) {
  absl::StatusOr<SchemaChange> change = PlanSchemaChange(old, *spec_);
  if (!change.ok()) return change.status();
  if (absl::Status s = MoveDense(stored.state(), old); !s.ok()) return s;
  if (absl::Status s = RestoreBalance(stored.state(), old); !s.ok()) return s;
  if (absl::Status s = RestoreCalibrations(stored.state(), old); !s.ok()) return s;
  if (absl::Status s = MoveStatistics(stored.state(), *change); !s.ok()) return s;
  if (absl::Status s = RestoreEvaluations(stored.state(), change->evaluations_kept); !s.ok()) return s;
  if (absl::Status s = MoveRows(stored, old, *change); !s.ok()) return s;
  if (absl::Status s = RestoreLife(stored.state(), /*with_hands=*/false); !s.ok()) return s;
  return std::move(change->lines);
}

absl::Status TorchLearner::MoveDense(const CheckpointReader& state, const ModelSpec& old) {
  const torch::NoGradGuard no_grad;
  const std::unique_ptr<Network> old_network = CreateNetwork(old, InputWidth(old));
  const NamedLayout from{old, old_network->layout()};
  const NamedLayout to{*spec_, network_->layout()};
  const auto move = [&](const std::string& section, torch::Tensor& into) -> absl::Status {
    const auto values = ReadFloats(state, section, from.layout.count());
    if (!values.ok()) return values.status();
    torch::Tensor cpu = into.to(torch::kCPU).clone();  // What is new stays as a fresh learner has it.
    MoveParameters(from, *values, to, cpu);
    into.copy_(cpu);
    return absl::OkStatus();
  };
  if (absl::Status s = move("dense", parameters_.flat); !s.ok()) return s;
  for (auto [name, tensor] : dense_optimizer_.state()) {
    if (!state.Has(name)) continue;  // Of another kind of optimizer.
    if (absl::Status s = move(name, tensor); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status TorchLearner::MoveStatistics(const CheckpointReader& state, const SchemaChange& change) {
  const auto bytes = state.Read("statistics");
  if (!bytes.ok()) return bytes.status();
  const auto statistics = FeatureStatistics::Parse(*bytes);
  if (!statistics.ok()) return statistics.status();
  if (statistics->entries.size() != change.statistics.size()) {
    return absl::DataLossError(absl::StrCat("checkpoint: statistics of ", statistics->entries.size(),
                                            " features, expected ", change.statistics.size()));
  }
  for (size_t i = 0; i < change.statistics.size(); ++i) {
    if (change.statistics[i] >= 0) statistics_.entries[change.statistics[i]] = statistics->entries[i];
  }
  return absl::OkStatus();
}

absl::Status TorchLearner::MoveRows(const StoredCheckpoint& stored, const ModelSpec& old, const SchemaChange& change) {
  // A store of the old model may go to several of the new one, and several to one, where tables got or lost an
  // optimizer of their own.
  const std::vector<int> old_stores = StoresOfTables(old);
  struct Moved {
    int group = -1;  // Of the new store; -1: the row is free, or of a table that is gone.
    uint32_t row = kNoRow;
  };
  std::vector<std::vector<Moved>> moved(old_stores.size());  // [old stores] by old row number.
  std::vector<uint32_t> counts(tables_.group_count(), 0);    // Of new rows.
  std::vector<RowBlock> kept(tables_.group_count());
  const auto now = static_cast<uint32_t>(counters_.rows_learned / kUseUnitRows);
  const auto let_go = [&](const RowBlock& block) -> absl::Status {
    if (block.tables[0] >= old_stores.size()) {
      return absl::DataLossError(absl::StrCat("rows let go are of unknown table ", block.tables[0]));
    }
    std::vector<Moved>& numbers = moved[old_stores[block.tables[0]]];
    for (const uint32_t row : block.rows) {
      if (row >= numbers.size()) numbers.resize(size_t{row} + 1);
      const Moved before = std::exchange(numbers[row], Moved());
      if (before.group >= 0) tables_.RestoreLetGo(before.group, {before.row});
    }
    return absl::OkStatus();
  };
  const auto keep = [&](const RowBlock& block, int64_t i) -> absl::Status {
    const uint32_t old_table = block.tables[i];
    if (old_table >= change.tables.size()) {
      return absl::DataLossError(absl::StrCat("row ", block.rows[i], " is of unknown table ", old_table));
    }
    const int table = change.tables[old_table];
    const int g = table < 0 ? -1 : tables_.group_of_table(table);
    std::vector<Moved>& numbers = moved[old_stores[old_table]];
    const uint32_t row = block.rows[i];
    if (row > numbers.size()) return absl::DataLossError(absl::StrCat("row ", row, " has none before it"));
    if (row == numbers.size()) numbers.emplace_back();
    if (g < 0) return absl::OkStatus();
    if (numbers[row].group < 0) numbers[row] = {g, counts[g]++};
    RowBlock& to = kept[g];
    to.rows.push_back(numbers[row].row);
    to.tables.push_back(static_cast<uint32_t>(table));
    to.ids.push_back(block.ids[i]);
    if (SameRowState(old.tables()[old_table].optimizer, spec_->tables()[table].optimizer)) {
      const float* state = &block.states[i * block.state_width];
      to.states.insert(to.states.end(), state, state + block.state_width);
    } else {
      to.states.resize(to.states.size() + to.state_width, 0.0f);
    }
    if (to.has_uses) to.uses.push_back(block.has_uses ? block.uses[i] : RowUse{now, 1});  // As if seen once, now.
    const float* values = &block.values[i * block.dimension];
    to.values.insert(to.values.end(), values, values + block.dimension);
    return absl::OkStatus();
  };
  const absl::Status status =
      stored.VisitRows(StoredCheckpoint::Order::kOldestFirst, [&](const RowBlock& block) -> absl::Status {
        if (block.let_go) return let_go(block);
        for (int g = 0; g < tables_.group_count(); ++g) {
          kept[g].has_uses = tables_.group(g).keeps_uses;
          kept[g].dimension = tables_.store(g).dimension();
          kept[g].state_width = tables_.store(g).state_width();
          kept[g].Resize(0);
        }
        for (int64_t i = 0; i < block.size(); ++i) {
          if (absl::Status s = keep(block, i); !s.ok()) return s;
        }
        for (const RowBlock& rows : kept) {
          if (absl::Status s = RestoreBlock(rows); !s.ok()) return s;
        }
        return absl::OkStatus();
      });
  tables_.ForgetTouched();
  return status;
}

}  // namespace polyscene
