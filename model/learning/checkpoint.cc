// A learner's state into a checkpoint and back. What is in it: stored_checkpoint.h.
#include <google/protobuf/text_format.h>
#include <torch/torch.h>

#include <numeric>

#include "absl/strings/str_cat.h"
#include "model/learning/checkpoint_job.h"
#include "model/learning/schema_change.h"
#include "model/learning/torch_learner.h"
#include "model/serving/evaluation_layout.h"
#include "model/tensor/catch_torch.h"

namespace polyscene {
namespace {

// Each file costs every later checkpoint of its chain a link, and a load a pass over its rows.
constexpr size_t kMostRowFiles = 64;

// A copy on the CPU that no later step changes, as the bytes of a section.
std::function<std::string()> BytesOf(const torch::Tensor& tensor) {
  return [copy = tensor.clone().to(torch::kCPU)] {
    return std::string(static_cast<const char*>(copy.data_ptr()), copy.nbytes());
  };
}

std::function<std::string()> BytesOf(std::string text) {
  return [text = std::move(text)] { return text; };
}

std::string FormatKey(const HashKey& key) { return absl::StrCat(absl::Hex(key.fingerprint(), absl::kZeroPad16)); }

std::string FormatMeta(const ModelSpec& spec, const HashKey& key, uint64_t log_offset,
                       const LearnerCounters& counters) {
  return absl::StrCat(kMetaModel, " ", spec.fingerprint_hex(), "\n", kMetaHashKey, " ", FormatKey(key), "\n",
                      kMetaLogOffset, " ", log_offset, "\n", kMetaStep, " ", counters.step, "\n", kMetaRowsLearned, " ",
                      counters.rows_learned, "\n", kMetaLearnedUpTo, " ", counters.learned_up_to_micros, "\n");
}

absl::Status ReadTensor(const CheckpointReader& state, const std::string& name, torch::Tensor into) {
  torch::Tensor cpu = torch::empty(into.sizes(), torch::kFloat32);
  const auto size = state.SizeOf(name);
  if (!size.ok()) return size.status();
  if (*size != cpu.nbytes()) {
    return absl::DataLossError(
        absl::StrCat("checkpoint: section '", name, "' has ", *size, " bytes, expected ", cpu.nbytes()));
  }
  if (absl::Status status = state.ReadInto(name, 0, cpu.data_ptr(), *size); !status.ok()) return status;
  const torch::NoGradGuard no_grad;
  into.copy_(cpu);
  return absl::OkStatus();
}

}  // namespace

bool TorchLearner::FullIsDue() const {
  if (chain_.empty() || chain_.size() >= kMostRowFiles) return true;
  uint64_t increments = 0;
  for (size_t i = 1; i < chain_.size(); ++i) increments += chain_[i].bytes;
  for (int g = 0; g < tables_.group_count(); ++g) {
    increments += tables_.touched_count(g) * RowBytes(tables_.store(g).dimension(), tables_.store(g).state_width());
  }
  return increments > chain_[0].bytes;
}

CheckpointContents TorchLearner::FreezeState(uint64_t log_offset, bool full) {
  const torch::NoGradGuard no_grad;
  CheckpointContents contents;
  const auto add = [&contents](std::string name, std::function<std::string()> bytes) {
    contents.sections.push_back({std::move(name), std::move(bytes)});
  };
  add("meta", BytesOf(FormatMeta(*spec_, options_.key, log_offset, counters_)));
  std::string model_text;
  google::protobuf::TextFormat::PrintToString(spec_->file(), &model_text);
  add("model.textproto", BytesOf(std::move(model_text)));
  add("dense", BytesOf(parameters_.flat));
  for (const auto& [name, tensor] : dense_optimizer_.state()) add(name, BytesOf(tensor));
  for (JointLoss::Section& section : joint_loss_.Serialize()) add(std::move(section.name), BytesOf(section.bytes));
  if (!calibrations_.empty()) add("calibration", BytesOf(calibrations_.Serialize(*spec_)));
  add("statistics", [statistics = statistics_] { return statistics.Serialize(); });
  add("window", [window = window_] { return window.Serialize(); });
  if (!served_window_.Figures().empty()) add("served_window", [window = served_window_] { return window.Serialize(); });
  if (std::string fading = fading_.Serialize(); !fading.empty()) add("fading", BytesOf(std::move(fading)));
  if (std::string drift = drift_.Serialize(); !drift.empty()) add("drift", BytesOf(std::move(drift)));
  for (ProducerEvaluations::Section& section : opened_.Freeze()) add(std::move(section.name), std::move(section.bytes));
  for (EmbeddingTables::Section& section : tables_.SerializeLife()) {
    add(std::move(section.name), BytesOf(std::move(section.bytes)));
  }
  for (size_t t = 0; t < spec_->tables().size(); ++t) {
    const TableSpec& table = spec_->tables()[t];
    contents.tables.push_back({table.name, table.dimension, tables_.table_rows(static_cast<int>(t))});
  }
  for (int g = 0; g < tables_.group_count(); ++g) contents.groups.push_back(tables_.FreezeForCheckpoint(g, full));
  if (!full) {
    contents.chain = chain_;
    contents.chain_directory = chain_directory_;
  }
  return contents;
}

absl::StatusOr<std::unique_ptr<CheckpointJob>> TorchLearner::BeginCheckpoint(uint64_t log_offset, CheckpointKind kind) {
  if (checkpointing_) return absl::FailedPreconditionError("a checkpoint is being written already");
  return CatchTorch("checkpoint", [&]() -> std::unique_ptr<CheckpointJob> {
    const bool full = kind == CheckpointKind::kFull || FullIsDue();
    auto job = std::make_unique<TorchCheckpointJob>(FreezeState(log_offset, full));
    checkpointing_ = true;
    return job;
  });
}

void TorchLearner::EndCheckpoint(std::unique_ptr<CheckpointJob> job) {
  checkpointing_ = false;
  auto& ended = static_cast<TorchCheckpointJob&>(*job);
  if (ended.written()) {
    chain_ = ended.row_files();
    chain_directory_ = ended.directory();
    return;
  }
  if (ended.chain_broken()) chain_.clear();
  std::vector<FrozenGroup> groups = ended.TakeGroups();
  for (size_t g = 0; g < groups.size(); ++g) tables_.Unfreeze(static_cast<int>(g), std::move(groups[g]));
}

absl::Status TorchLearner::CheckHashKey(const StoredCheckpoint& stored) const {
  const std::string key = FormatKey(options_.key);
  if (stored.Meta(kMetaHashKey) == key) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the checkpoint was written under hash key ",
                                                    stored.Meta(kMetaHashKey), ", the key given is ", key));
}

absl::StatusOr<uint64_t> TorchLearner::RestoreCounters(const StoredCheckpoint& stored) {
  const auto log_offset = stored.MetaNumber(kMetaLogOffset);
  const auto step = stored.MetaNumber(kMetaStep);
  const auto rows_learned = stored.MetaNumber(kMetaRowsLearned);
  const auto learned_up_to = stored.MetaNumber(kMetaLearnedUpTo);
  for (const auto* number : {&log_offset, &step, &rows_learned, &learned_up_to}) {
    if (!number->ok()) return number->status();
  }
  counters_.step = *step;
  counters_.rows_learned = *rows_learned;
  counters_.learned_up_to_micros = static_cast<int64_t>(*learned_up_to);
  return *log_offset;
}

absl::Status TorchLearner::RestoreDense(const CheckpointReader& state) {
  if (absl::Status s = ReadTensor(state, "dense", parameters_.flat); !s.ok()) return s;
  for (const auto& [name, tensor] : dense_optimizer_.state()) {
    if (absl::Status s = ReadTensor(state, name, tensor); !s.ok()) return s;
  }
  const auto bytes = state.Read("statistics");
  if (!bytes.ok()) return bytes.status();
  auto statistics = FeatureStatistics::Parse(*bytes);
  if (!statistics.ok()) return statistics.status();
  if (static_cast<int>(statistics->entries.size()) != spec_->statistics_count()) {
    return absl::DataLossError(absl::StrCat("checkpoint: statistics of ", statistics->entries.size(),
                                            " features, expected ", spec_->statistics_count()));
  }
  statistics_ = *std::move(statistics);
  return absl::OkStatus();
}

absl::Status TorchLearner::RestoreBalance(const CheckpointReader& state, const ModelSpec& from) {
  for (const SectionStream::Section& section : state.Sections()) {
    if (!JointLoss::IsSection(section.name)) continue;
    const auto bytes = state.Read(section.name);
    if (!bytes.ok()) return bytes.status();
    if (absl::Status s = joint_loss_.Restore(section.name, *bytes, from); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status TorchLearner::RestoreCalibrations(const CheckpointReader& state, const ModelSpec& from) {
  if (calibrations_.empty() || !state.Has("calibration")) return absl::OkStatus();
  const auto bytes = state.Read("calibration");
  return bytes.ok() ? calibrations_.Restore(*bytes, from, *spec_) : bytes.status();
}

absl::Status TorchLearner::RestoreEvaluations(const CheckpointReader& state, bool with_sums) {
  const auto restore_window = [&](const char* name, EvaluationWindow& window) -> absl::Status {
    const auto bytes = state.Read(name);
    return bytes.ok() ? window.Restore(*bytes) : bytes.status();
  };
  if (with_sums) {
    if (absl::Status s = restore_window("window", window_); !s.ok()) return s;
    if (state.Has("served_window")) {  // Only where rows were remembered.
      if (absl::Status s = restore_window("served_window", served_window_); !s.ok()) return s;
    }
  }
  // Only where rows were learned online; older checkpoints have none.
  if (state.Has("fading")) {
    const auto bytes = state.Read("fading");
    if (!bytes.ok()) return bytes.status();
    if (absl::Status s = fading_.Restore(*bytes); !s.ok()) return s;
  }
  if (state.Has("drift")) {
    const auto bytes = state.Read("drift");
    if (!bytes.ok()) return bytes.status();
    if (absl::Status s = drift_.Restore(*bytes); !s.ok()) return s;
  }
  for (const SectionStream::Section& section : state.Sections()) {
    if (!ProducerEvaluations::IsSection(section.name)) continue;
    const auto bytes = state.Read(section.name);
    if (!bytes.ok()) return bytes.status();
    if (absl::Status s = opened_.Restore(section.name, *bytes, with_sums); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status TorchLearner::RestoreRows(const StoredCheckpoint& stored) {
  for (size_t t = 0; t < stored.tables().size() && t < spec_->tables().size(); ++t) {
    tables_.ReserveRows(static_cast<int>(t), stored.tables()[t].rows);
  }
  const absl::Status status = stored.VisitRows(StoredCheckpoint::Order::kOldestFirst,
                                               [this](const RowBlock& block) { return RestoreBlock(block); });
  tables_.ForgetTouched();
  if (!status.ok()) return status;
  for (size_t t = 0; t < stored.tables().size() && t < spec_->tables().size(); ++t) {
    if (tables_.table_rows(static_cast<int>(t)) == stored.tables()[t].rows) continue;
    return absl::DataLossError(absl::StrCat("table '", stored.tables()[t].name, "' has ",
                                            tables_.table_rows(static_cast<int>(t)),
                                            " rows in the row files, expected ", stored.tables()[t].rows));
  }
  return RestoreLife(stored.state(), /*with_hands=*/true);
}

absl::Status TorchLearner::RestoreLife(const CheckpointReader& state, bool with_hands) {
  for (const SectionStream::Section& section : state.Sections()) {
    if (!EmbeddingTables::IsLife(section.name)) continue;
    auto bytes = state.Read(section.name);
    if (!bytes.ok()) return bytes.status();
    if (absl::Status s = tables_.RestoreLife({section.name, *std::move(bytes)}, with_hands); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status TorchLearner::RestoreBlock(const RowBlock& block) {
  if (block.rows.empty()) return absl::OkStatus();
  const int g = block.tables[0] < spec_->tables().size() ? tables_.group_of_table(block.tables[0]) : -1;
  if (g >= 0 && block.let_go) {
    tables_.RestoreLetGo(g, block.rows);
    return absl::OkStatus();
  }
  if (g < 0 || tables_.store(g).dimension() != block.dimension || tables_.store(g).state_width() != block.state_width) {
    return absl::DataLossError(absl::StrCat("rows of dimension ", block.dimension, " and ", block.state_width,
                                            " numbers of state for table ", block.tables[0], ", which has none such"));
  }
  if (block.has_uses || !tables_.group(g).keeps_uses) {
    return tables_.Restore(g, block.rows, block.tables, block.ids, block.values, block.states, block.uses);
  }
  // Of a model that let no row go: as if each was seen once, now.
  const std::vector<RowUse> uses(block.rows.size(), {static_cast<uint32_t>(counters_.rows_learned / kUseUnitRows), 1});
  return tables_.Restore(g, block.rows, block.tables, block.ids, block.values, block.states, uses);
}

void TorchLearner::ForgetChangedLosses(const StoredCheckpoint& stored) {
  const auto old = StoredModel(stored);
  if (!old.ok()) return;  // Nothing but figures and the drift of losses hang on it.
  for (size_t t = 0; t < spec_->tasks().size(); ++t) {
    const TaskSpec& task = spec_->tasks()[t];
    const int before = (*old)->FindTask(task.name);
    if (before < 0 || SameRowLoss((*old)->tasks()[before], task)) continue;
    fading_.Forget(static_cast<int>(t));
    drift_.Forget(static_cast<int>(t));
  }
}

absl::StatusOr<TorchLearner::Restored> TorchLearner::Restore(const StoredCheckpoint& stored, bool by_name) {
  absl::StatusOr<Restored> restored = RestoreAll(stored, by_name);
  if (restored.ok()) ForgetChangedLosses(stored);
  return restored;
}

absl::StatusOr<TorchLearner::Restored> TorchLearner::RestoreAll(const StoredCheckpoint& stored, bool by_name) {
  if (absl::Status s = CheckHashKey(stored); !s.ok()) return s;
  const absl::StatusOr<uint64_t> log_offset = RestoreCounters(stored);
  if (!log_offset.ok()) return log_offset.status();
  Restored restored;
  restored.log_offset = *log_offset;
  if (stored.Meta(kMetaModel) != spec_->fingerprint_hex()) {
    const auto old = StoredModel(stored);
    if (!old.ok()) return old.status();
    const std::string origin =
        absl::StrCat("the checkpoint is of model '", (*old)->file().name(), "' (", stored.Meta(kMetaModel),
                     "), the model file is '", spec_->file().name(), "' (", spec_->fingerprint_hex(), ")");
    if (!by_name) return absl::FailedPreconditionError(origin);
    auto changes = RestoreByName(stored, **old);
    if (absl::IsFailedPrecondition(changes.status())) {
      return absl::FailedPreconditionError(absl::StrCat(
          origin, ", to which that state means nothing: ", changes.status().message(),
          ". Either go back to the old file, or train the new one on the retained events (polyscene-train --from_log "
          "DATA_DIR --model NEW --out CKPT) and begin with --warm_start CKPT and an empty --data_dir"));
    }
    if (!changes.ok()) return changes.status();
    restored.changes.push_back(absl::StrCat(origin, ": taken over by name"));
    restored.changes.insert(restored.changes.end(), changes->begin(), changes->end());
    return restored;  // What was renumbered shares no file: the next checkpoint is full.
  }
  if (absl::Status s = RestoreDense(stored.state()); !s.ok()) return s;
  if (absl::Status s = RestoreBalance(stored.state(), *spec_); !s.ok()) return s;
  if (absl::Status s = RestoreCalibrations(stored.state(), *spec_); !s.ok()) return s;
  if (absl::Status s = RestoreEvaluations(stored.state(), /*with_sums=*/true); !s.ok()) return s;
  if (absl::Status s = RestoreRows(stored); !s.ok()) return s;
  chain_ = stored.row_files();
  chain_directory_ = stored.directory();
  return restored;
}

namespace {

struct LoadedTorchLearner {
  std::unique_ptr<TorchLearner> learner;
  TorchLearner::Restored restored;
};

absl::StatusOr<LoadedTorchLearner> Load(std::shared_ptr<const ModelSpec> spec, LearnerOptions options,
                                        const std::filesystem::path& directory, bool by_name) {
  auto stored = StoredCheckpoint::Open(directory);
  if (!stored.ok()) return stored.status();
  return CatchTorch("checkpoint", [&]() -> absl::StatusOr<LoadedTorchLearner> {
    auto learner = std::make_unique<TorchLearner>(std::move(spec), std::move(options));
    auto restored = learner->Restore(**stored, by_name);
    if (!restored.ok()) {
      return absl::Status(restored.status().code(),
                          absl::StrCat(restored.status().message(), " (", directory.string(), ")"));
    }
    return LoadedTorchLearner{std::move(learner), *std::move(restored)};
  });
}

}  // namespace

absl::StatusOr<LoadedLearner> LoadLearner(std::shared_ptr<const ModelSpec> spec, LearnerOptions options,
                                          const std::filesystem::path& directory) {
  auto loaded = Load(std::move(spec), std::move(options), directory, /*by_name=*/true);
  if (!loaded.ok()) return loaded.status();
  return LoadedLearner{std::move(loaded->learner), loaded->restored.log_offset, std::move(loaded->restored.changes)};
}

absl::StatusOr<std::unique_ptr<OfflineLearner>> LoadOfflineLearner(std::shared_ptr<const ModelSpec> spec,
                                                                   LearnerOptions options,
                                                                   const std::filesystem::path& directory) {
  auto loaded = Load(std::move(spec), std::move(options), directory, /*by_name=*/false);
  if (!loaded.ok()) return loaded.status();
  return std::unique_ptr<OfflineLearner>(std::move(loaded->learner));
}

absl::StatusOr<std::shared_ptr<const ModelSpec>> CheckpointModel(const std::filesystem::path& directory) {
  auto stored = StoredCheckpoint::Open(directory);
  if (!stored.ok()) return stored.status();
  return StoredModel(**stored);
}

}  // namespace polyscene
