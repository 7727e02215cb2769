// A checkpoint on disk: a directory of a state file and of the row files of its chain.
//
//   state.ckpt     everything but embedding rows. Sections: meta (numbers, one "name value" a line), model.textproto
//                  (the model, for people and for loading by name), tables ("name dimension rows" a line), manifest
//                  ("file bytes checksum" a line: every row file, oldest first), dense and the dense optimizer's state
//                  (f32, as the network lays it out), balance.<what> of the loss balance (f64, one a task), statistics,
//                  calibration (where the model file asks for any),
//                  window, fading and drift (where rows were learned online), evaluation/<producer>,
//                  and where rows were remembered served_window, served/<producer>; where ids have to wait for their
//                  row waiting/<table>, where rows are let go row_hands
//   rows.000000    all embedding rows as they were when the chain began
//   rows.000001 .. the rows touched since, a file a checkpoint; a row of a later file replaces that of an earlier one
//
// Row files are hard links that the checkpoints of a chain share, so each directory is whole by itself: it may be
// copied, moved or removed as it is. In format 1 all is in state.ckpt: rows.<D>.tables (u32), rows.<D>.ids (u64),
// rows.<D>.values and rows.<D>.states (f32) of each dimension D, in row order; it has neither tables nor manifest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/learning/checkpoint_file.h"
#include "model/learning/row_file.h"
#include "model/spec/model_spec.h"

namespace polyscene {

inline constexpr char kStateFileName[] = "state.ckpt";
std::string RowFileName(uint64_t number);  // "rows.000042"

// Names of meta; values are decimal numbers, fingerprints hexadecimal.
inline constexpr char kMetaModel[] = "model_fingerprint";
inline constexpr char kMetaHashKey[] = "hash_key_fingerprint";
inline constexpr char kMetaLogOffset[] = "log_offset";
inline constexpr char kMetaStep[] = "step";
inline constexpr char kMetaRowsLearned[] = "rows_learned";
inline constexpr char kMetaLearnedUpTo[] = "learned_up_to_micros";

struct StoredTable {
  std::string name;
  int64_t dimension = 0;
  uint64_t rows = 0;
};

struct StoredFile {
  std::string name;
  uint64_t bytes = 0;
  uint32_t checksum = 0;  // As checkpoint_file.h says.
};

std::string FormatTables(const std::vector<StoredTable>& tables);
std::string FormatManifest(const std::vector<StoredFile>& files);

// Not thread-safe.
class StoredCheckpoint {
 public:
  // Reads and verifies the state file, and finds every row file at its size. Errors name the file.
  //   kDataLoss            something is missing, truncated or fails its checksum
  //   kFailedPrecondition  of a newer format
  static absl::StatusOr<std::unique_ptr<StoredCheckpoint>> Open(const std::filesystem::path& directory);

  const std::filesystem::path& directory() const { return directory_; }
  const CheckpointReader& state() const { return *state_; }
  uint32_t format() const { return state_->format(); }
  std::string Meta(const std::string& name) const;                     // Empty if there is none.
  absl::StatusOr<uint64_t> MetaNumber(const std::string& name) const;  // kDataLoss.
  const std::map<std::string, std::string>& meta() const { return meta_; }
  const std::vector<StoredTable>& tables() const { return tables_; }  // In the model's order; none in format 1.
  const std::vector<StoredFile>& row_files() const { return row_files_; }

  enum class Order { kOldestFirst, kNewestFirst };
  using BlockVisitor = std::function<absl::Status(const RowBlock&)>;
  using SectionVisitor = std::function<void(const StoredFile&, const SectionStream::Section&)>;

  // Reads every row file once, in `order`, each block after its checksum; a file's own checksum stands at its end, so
  // what was visited counts only when this returns OK. `section`, if given, is told of each section of a row file.
  //   kDataLoss  names the file
  //   or the first error of `visit`, which is taken for the file's and gets its name
  absl::Status VisitRows(Order order, const BlockVisitor& visit, const SectionVisitor& section = nullptr) const;

 private:
  StoredCheckpoint(std::filesystem::path directory, std::unique_ptr<CheckpointReader> state)
      : directory_(std::move(directory)), state_(std::move(state)) {}
  absl::Status ReadState();
  absl::Status CheckRowFiles() const;
  absl::Status VisitFile(size_t at, const BlockVisitor& visit, const SectionVisitor& section) const;
  absl::Status VisitFormat1(const BlockVisitor& visit) const;

  const std::filesystem::path directory_;
  const std::unique_ptr<CheckpointReader> state_;
  std::map<std::string, std::string> meta_;
  std::vector<StoredTable> tables_;
  std::vector<StoredFile> row_files_;
};

// The model it is of, from the text it holds. Errors as ModelSpec::Parse(), or kDataLoss.
absl::StatusOr<std::shared_ptr<const ModelSpec>> StoredModel(const StoredCheckpoint& stored);

}  // namespace polyscene
