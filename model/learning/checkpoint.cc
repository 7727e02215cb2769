// A learner's whole state, written to and read from a checkpoint file.
//
// Sections: meta (numbers, one "name value" a line), model.textproto (for people), dense and the dense optimizer's
// state, statistics, window, evaluation/<producer>, and for each embedding dimension D rows.D.tables (u32), rows.D.ids
// (u64), rows.D.values ([rows, D] f32) and rows.D.states (f32), all in row order.
#include <google/protobuf/text_format.h>
#include <torch/torch.h>

#include <numeric>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "model/learning/checkpoint_file.h"
#include "model/learning/torch_learner.h"
#include "model/serving/evaluation_layout.h"
#include "model/tensor/catch_torch.h"

namespace polyscene {
namespace {

constexpr char kFileName[] = "state.ckpt";
constexpr char kEvaluationPrefix[] = "evaluation/";
constexpr int64_t kRowsAtOnce = 65536;  // Of a table, in memory beside it while it is written or read.

absl::string_view Bytes(const torch::Tensor& cpu) {
  return {static_cast<const char*>(cpu.data_ptr()), static_cast<size_t>(cpu.nbytes())};
}

template <typename T>
absl::string_view Bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

void WriteRows(const EmbeddingTables& tables, int g, CheckpointWriter& writer) {
  const RowStore& store = tables.store(g);
  const int64_t count = store.row_count();
  const std::string prefix = absl::StrCat("rows.", store.dimension(), ".");
  const EmbeddingTables::Owners owners = tables.RowOwners(g);
  writer.Section(prefix + "tables", Bytes(owners.tables));
  writer.Section(prefix + "ids", Bytes(owners.ids));
  writer.Begin(prefix + "values", count * store.dimension() * sizeof(float));
  std::vector<uint32_t> rows;
  for (int64_t begin = 0; begin < count; begin += kRowsAtOnce) {
    rows.resize(std::min(kRowsAtOnce, count - begin));
    std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(begin));
    const torch::Tensor values = store.Gather(rows).to(torch::kCPU);
    writer.Write(values.data_ptr(), values.nbytes());
  }
  writer.End();
  writer.Section(prefix + "states", Bytes(store.state().narrow(0, 0, count).to(torch::kCPU).contiguous()));
}

absl::Status ReadRows(const CheckpointReader& reader, EmbeddingTables& tables, int g, size_t table_count) {
  const int64_t dimension = tables.store(g).dimension();
  const std::string prefix = absl::StrCat("rows.", dimension, ".");
  const auto id_bytes = reader.SizeOf(prefix + "ids");
  if (!id_bytes.ok()) return id_bytes.status();
  const int64_t count = static_cast<int64_t>(*id_bytes / sizeof(uint64_t));
  std::vector<uint32_t> owners;
  std::vector<uint64_t> ids;
  std::vector<float> values;
  std::vector<float> states;
  for (int64_t begin = 0; begin < count; begin += kRowsAtOnce) {
    const int64_t n = std::min(kRowsAtOnce, count - begin);
    owners.resize(n);
    ids.resize(n);
    values.resize(n * dimension);
    states.resize(n);
    const auto read = [&](const char* name, int64_t width, auto& into) {
      const uint64_t row_bytes = width * sizeof(into[0]);
      return reader.ReadInto(prefix + name, begin * row_bytes, into.data(), n * row_bytes);
    };
    if (absl::Status s = read("tables", 1, owners); !s.ok()) return s;
    if (absl::Status s = read("ids", 1, ids); !s.ok()) return s;
    if (absl::Status s = read("values", dimension, values); !s.ok()) return s;
    if (absl::Status s = read("states", 1, states); !s.ok()) return s;
    for (const uint32_t owner : owners) {
      if (owner >= table_count) return absl::DataLossError(absl::StrCat("checkpoint: row of unknown table ", owner));
    }
    tables.Restore(g, owners, ids, values, states);
  }
  return absl::OkStatus();
}

absl::Status ReadTensor(const CheckpointReader& reader, const std::string& name, torch::Tensor into) {
  torch::Tensor cpu = torch::empty(into.sizes(), torch::kFloat32);
  const auto size = reader.SizeOf(name);
  if (!size.ok()) return size.status();
  if (*size != cpu.nbytes()) {
    return absl::DataLossError(
        absl::StrCat("checkpoint: section '", name, "' has ", *size, " bytes, expected ", cpu.nbytes()));
  }
  if (absl::Status status = reader.ReadInto(name, 0, cpu.data_ptr(), *size); !status.ok()) return status;
  const torch::NoGradGuard no_grad;
  into.copy_(cpu);
  return absl::OkStatus();
}

std::map<std::string, std::string> ParseMeta(absl::string_view text) {
  std::map<std::string, std::string> meta;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    meta[std::string(pair.first)] = std::string(pair.second);
  }
  return meta;
}

}  // namespace

absl::Status TorchLearner::SaveCheckpoint(const std::filesystem::path& directory, uint64_t log_offset) {
  std::error_code error;
  if (std::filesystem::exists(directory, error)) {
    return absl::AlreadyExistsError(absl::StrCat("a checkpoint is at ", directory.string(), " already"));
  }
  const std::filesystem::path temporary = directory.string() + ".writing";
  std::filesystem::remove_all(temporary, error);  // What a crash left.
  if (!std::filesystem::create_directories(temporary, error)) {
    return absl::InternalError(absl::StrCat("cannot create ", temporary.string(), ": ", error.message()));
  }
  const absl::Status written = CatchTorch("checkpoint", [&]() -> absl::Status {
    CheckpointWriter writer(temporary / kFileName);
    writer.Section("meta",
                   absl::StrCat("model_fingerprint ", spec_->fingerprint_hex(), "\nhash_key_fingerprint ",
                                absl::Hex(options_.key.fingerprint(), absl::kZeroPad16), "\nlog_offset ", log_offset,
                                "\nstep ", counters_.step, "\nrows_learned ", counters_.rows_learned,
                                "\nlearned_up_to_micros ", counters_.learned_up_to_micros, "\n"));
    std::string model_text;
    google::protobuf::TextFormat::PrintToString(spec_->file(), &model_text);
    writer.Section("model.textproto", model_text);
    writer.Section("dense", Bytes(parameters_.flat.to(torch::kCPU)));
    for (const auto& [name, tensor] : dense_optimizer_->state()) writer.Section(name, Bytes(tensor.to(torch::kCPU)));
    writer.Section("statistics", statistics_.Serialize());
    writer.Section("window", window_.Serialize());
    for (const auto& [producer, opened] : opened_) {
      const uint64_t from = static_cast<uint64_t>(opened.from_micros);
      writer.Section(kEvaluationPrefix + producer,
                     absl::StrCat(absl::Hex(from, absl::kZeroPad16), absl::Hex(opened.number, absl::kZeroPad16),
                                  opened.evaluation.Serialize()));
    }
    for (int g = 0; g < tables_.group_count(); ++g) WriteRows(tables_, g, writer);
    return writer.Close();
  });
  if (!written.ok()) {
    std::filesystem::remove_all(temporary, error);
    return written;
  }
  // Read back before it counts: opening it checks every checksum.
  if (auto reader = CheckpointReader::Open(temporary / kFileName); !reader.ok()) return reader.status();
  if (absl::Status status = SyncDirectory(temporary); !status.ok()) return status;
  std::filesystem::rename(temporary, directory, error);
  if (error) {
    return absl::InternalError(
        absl::StrCat("cannot rename ", temporary.string(), " to ", directory.string(), ": ", error.message()));
  }
  return SyncDirectory(directory.parent_path());
}

absl::StatusOr<uint64_t> TorchLearner::Restore(const CheckpointReader& reader) {
  const auto meta_text = reader.Read("meta");
  if (!meta_text.ok()) return meta_text.status();
  std::map<std::string, std::string> meta = ParseMeta(*meta_text);
  const std::string key = absl::StrCat(absl::Hex(options_.key.fingerprint(), absl::kZeroPad16));
  if (meta["model_fingerprint"] != spec_->fingerprint_hex()) {
    return absl::FailedPreconditionError(absl::StrCat("the checkpoint is of model ", meta["model_fingerprint"],
                                                      ", the model file is ", spec_->fingerprint_hex()));
  }
  if (meta["hash_key_fingerprint"] != key) {
    return absl::FailedPreconditionError(absl::StrCat("the checkpoint was written under hash key ",
                                                      meta["hash_key_fingerprint"], ", the key given is ", key));
  }
  uint64_t log_offset = 0;
  if (!absl::SimpleAtoi(meta["log_offset"], &log_offset) || !absl::SimpleAtoi(meta["step"], &counters_.step) ||
      !absl::SimpleAtoi(meta["rows_learned"], &counters_.rows_learned) ||
      !absl::SimpleAtoi(meta["learned_up_to_micros"], &counters_.learned_up_to_micros)) {
    return absl::DataLossError("checkpoint: section 'meta' lacks a number");
  }
  if (absl::Status s = ReadTensor(reader, "dense", parameters_.flat); !s.ok()) return s;
  for (const auto& [name, tensor] : dense_optimizer_->state()) {
    if (absl::Status s = ReadTensor(reader, name, tensor); !s.ok()) return s;
  }
  const auto statistics_bytes = reader.Read("statistics");
  if (!statistics_bytes.ok()) return statistics_bytes.status();
  auto statistics = FeatureStatistics::Parse(*statistics_bytes);
  if (!statistics.ok()) return statistics.status();
  if (static_cast<int>(statistics->entries.size()) != spec_->statistics_count()) {
    return absl::DataLossError(absl::StrCat("checkpoint: statistics of ", statistics->entries.size(),
                                            " features, expected ", spec_->statistics_count()));
  }
  statistics_ = *std::move(statistics);
  const auto window_bytes = reader.Read("window");
  if (!window_bytes.ok()) return window_bytes.status();
  if (absl::Status s = window_.Restore(*window_bytes); !s.ok()) return s;
  for (const std::string& name : reader.Names()) {
    absl::string_view producer = name;
    if (!absl::ConsumePrefix(&producer, kEvaluationPrefix)) continue;
    const auto bytes = reader.Read(name);
    if (!bytes.ok()) return bytes.status();
    uint64_t from = 0;
    uint64_t number = 0;
    if (bytes->size() < 32 || !absl::SimpleHexAtoi(bytes->substr(0, 16), &from) ||
        !absl::SimpleHexAtoi(bytes->substr(16, 16), &number)) {
      return absl::DataLossError(absl::StrCat("checkpoint: section '", name, "' lacks its start"));
    }
    auto evaluation = Evaluation::Parse(LayoutOf(*spec_), absl::string_view(*bytes).substr(32));
    if (!evaluation.ok()) return evaluation.status();
    opened_.insert_or_assign(std::string(producer),
                             OpenedEvaluation{static_cast<int64_t>(from), number, *std::move(evaluation)});
  }
  for (int g = 0; g < tables_.group_count(); ++g) {
    if (absl::Status s = ReadRows(reader, tables_, g, spec_->tables().size()); !s.ok()) return s;
  }
  return log_offset;
}

namespace {

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenCheckpoint(const std::filesystem::path& directory) {
  auto reader = CheckpointReader::Open(directory / kFileName);
  // A checkpoint folder without its file is as broken as one with half of it.
  return absl::IsNotFound(reader.status()) ? absl::DataLossError(reader.status().message()) : std::move(reader);
}

struct LoadedTorchLearner {
  std::unique_ptr<TorchLearner> learner;
  uint64_t log_offset = 0;
};

absl::StatusOr<LoadedTorchLearner> Load(std::shared_ptr<const ModelSpec> spec, LearnerOptions options,
                                        const std::filesystem::path& directory) {
  auto reader = OpenCheckpoint(directory);
  if (!reader.ok()) return reader.status();
  return CatchTorch("checkpoint", [&]() -> absl::StatusOr<LoadedTorchLearner> {
    auto learner = std::make_unique<TorchLearner>(std::move(spec), std::move(options));
    auto offset = learner->Restore(**reader);
    if (!offset.ok()) {
      return absl::Status(offset.status().code(),
                          absl::StrCat(offset.status().message(), " (", directory.string(), ")"));
    }
    return LoadedTorchLearner{std::move(learner), *offset};
  });
}

}  // namespace

absl::StatusOr<LoadedLearner> LoadLearner(std::shared_ptr<const ModelSpec> spec, LearnerOptions options,
                                          const std::filesystem::path& directory) {
  auto loaded = Load(std::move(spec), std::move(options), directory);
  if (!loaded.ok()) return loaded.status();
  return LoadedLearner{std::move(loaded->learner), loaded->log_offset};
}

absl::StatusOr<std::unique_ptr<OfflineLearner>> LoadOfflineLearner(std::shared_ptr<const ModelSpec> spec,
                                                                   LearnerOptions options,
                                                                   const std::filesystem::path& directory) {
  auto loaded = Load(std::move(spec), std::move(options), directory);
  if (!loaded.ok()) return loaded.status();
  return std::unique_ptr<OfflineLearner>(std::move(loaded->learner));
}

absl::StatusOr<std::shared_ptr<const ModelSpec>> CheckpointModel(const std::filesystem::path& directory) {
  auto reader = OpenCheckpoint(directory);
  if (!reader.ok()) return reader.status();
  const auto text = (*reader)->Read("model.textproto");
  if (!text.ok()) return text.status();
  return ModelSpec::Parse(*text, (directory / kFileName).string() + ":model.textproto");
}

}  // namespace polyscene
