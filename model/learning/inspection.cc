#include "model/learning/inspection.h"

#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "model/feature/hash_key.h"
#include "model/serving/evaluation_layout.h"
#include "model/spec/row_stores.h"

namespace polyscene {
namespace {

// 128 bits from SipHash under two keys.
class Digest {
 public:
  Digest() : low_(Key(1)), high_(Key(2)) {}

  // Of things whose order counts: they are hashed one after the other, each behind its length.
  void Append(absl::string_view bytes) {
    const uint64_t size = bytes.size();
    ordered_.append(reinterpret_cast<const char*>(&size), sizeof(size));
    const std::array<uint64_t, 2> hash = {low_.Hash(bytes), high_.Hash(bytes)};
    ordered_.append(reinterpret_cast<const char*>(hash.data()), sizeof(hash));
  }
  // Of things whose order does not count, each there once: their hashes are added up.
  void Add(absl::string_view bytes) {
    low_sum_ += low_.Hash(bytes);
    high_sum_ += high_.Hash(bytes);
  }
  std::string Hex() const {
    std::string all = ordered_;
    absl::StrAppend(&all, absl::Hex(low_sum_, absl::kZeroPad16), absl::Hex(high_sum_, absl::kZeroPad16));
    return absl::StrCat(absl::Hex(high_.Hash(all), absl::kZeroPad16), absl::Hex(low_.Hash(all), absl::kZeroPad16));
  }

 private:
  static HashKey Key(uint8_t first) {
    std::array<uint8_t, 16> bytes{};
    bytes[0] = first;
    return HashKey(bytes);
  }
  const HashKey low_;
  const HashKey high_;
  std::string ordered_;
  uint64_t low_sum_ = 0;
  uint64_t high_sum_ = 0;
};

bool IsLogical(absl::string_view section) {
  return section != "meta" && section != "model.textproto" && section != "tables" && section != "manifest" &&
         !absl::StartsWith(section, "rows.");
}

absl::Status ReadEvaluations(const StoredCheckpoint& stored, CheckpointInspection& inspection) {
  const EvaluationLayout layout = LayoutOf(*inspection.spec);
  const auto window_bytes = stored.state().Read("window");
  if (!window_bytes.ok()) return window_bytes.status();
  EvaluationWindow window(layout, inspection.spec->file().learning().evaluation_window_rows());
  if (absl::Status status = window.Restore(*window_bytes); !status.ok()) return status;
  inspection.recent = window.Figures();
  for (const SectionStream::Section& section : stored.state().Sections()) {
    absl::string_view producer = section.name;
    if (!absl::ConsumePrefix(&producer, "evaluation/")) continue;
    const auto bytes = stored.state().Read(section.name);
    if (!bytes.ok()) return bytes.status();
    constexpr size_t kStart = 32;  // Since when it counts, and its number.
    auto evaluation = Evaluation::Parse(layout, absl::string_view(*bytes).substr(std::min(kStart, bytes->size())));
    if (!evaluation.ok()) return evaluation.status();
    inspection.opened[std::string(producer)] = evaluation->Figures();
  }
  return absl::OkStatus();
}

absl::Status ReadStatistics(const StoredCheckpoint& stored, CheckpointInspection& inspection) {
  const auto bytes = stored.state().Read("statistics");
  if (!bytes.ok()) return bytes.status();
  const auto statistics = FeatureStatistics::Parse(*bytes);
  if (!statistics.ok()) return statistics.status();
  for (const FeatureSpec& feature : inspection.spec->features()) {
    int number = 0;
    for (const EncodingSpec& encoding : feature.encodings) {
      if (encoding.statistics < 0 || encoding.statistics >= static_cast<int>(statistics->entries.size())) continue;
      const std::string suffix = number == 0 ? "" : absl::StrCat(".", number);
      inspection.statistics.emplace_back(feature.name + suffix, statistics->entries[encoding.statistics]);
      ++number;
    }
  }
  for (const TaskSpec& task : inspection.spec->tasks()) {
    if (task.statistics < 0 || task.statistics >= static_cast<int>(statistics->entries.size())) continue;
    inspection.statistics.emplace_back(absl::StrCat("label ", task.name), statistics->entries[task.statistics]);
  }
  return absl::OkStatus();
}

absl::Status ReadNumbers(const StoredCheckpoint& stored, CheckpointInspection& inspection) {
  inspection.format = stored.format();
  inspection.model_fingerprint = stored.Meta(kMetaModel);
  inspection.hash_key_fingerprint = stored.Meta(kMetaHashKey);
  const auto log_offset = stored.MetaNumber(kMetaLogOffset);
  const auto step = stored.MetaNumber(kMetaStep);
  const auto rows_learned = stored.MetaNumber(kMetaRowsLearned);
  const auto learned_up_to = stored.MetaNumber(kMetaLearnedUpTo);
  for (const auto* number : {&log_offset, &step, &rows_learned, &learned_up_to}) {
    if (!number->ok()) return number->status();
  }
  inspection.log_offset = *log_offset;
  inspection.step = *step;
  inspection.rows_learned = *rows_learned;
  inspection.learned_up_to_micros = static_cast<int64_t>(*learned_up_to);
  return absl::OkStatus();
}

// The last word on each row: files are read newest first, and only the first sight of a row counts. Rows that were let
// go count as seen in files older than the one that says so.
absl::Status ReadRows(const StoredCheckpoint& stored, CheckpointInspection& inspection, Digest& digest) {
  const std::vector<int> stores = StoresOfTables(*inspection.spec);
  std::map<int, std::vector<bool>> seen;        // By store.
  std::map<int, std::vector<uint32_t>> let_go;  // Likewise, of the file that is being read.
  size_t file = 0;
  std::string text;
  const auto see = [&seen](int store, uint32_t row) {  // Whether it was seen before.
    std::vector<bool>& rows = seen[store];
    if (row >= rows.size()) rows.resize(std::max<size_t>(size_t{row} + 1, 2 * rows.size()));
    const bool before = rows[row];
    rows[row] = true;
    return before;
  };
  const auto count_row = [&](const RowBlock& block, int64_t i) -> absl::Status {
    const uint32_t row = block.rows[i];
    if (block.tables[i] >= inspection.tables.size()) {
      return absl::DataLossError(absl::StrCat("row ", row, " is of unknown table ", block.tables[i]));
    }
    if (see(stores[block.tables[i]], row)) return absl::OkStatus();
    InspectedTable& table = inspection.tables[block.tables[i]];
    ++table.rows;
    text.assign(table.name);
    const auto append = [&text](const auto* from, size_t count) {
      text.append(reinterpret_cast<const char*>(from), count * sizeof(*from));
    };
    append(&block.ids[i], 1);
    append(&block.states[i * block.state_width], block.state_width);
    append(&block.values[i * block.dimension], block.dimension);
    if (block.has_uses) append(&block.uses[i].last, 1);
    if (block.has_uses) append(&block.uses[i].count, 1);
    digest.Add(text);
    return absl::OkStatus();
  };
  const auto visit = [&](const RowBlock& block) -> absl::Status {
    if (block.file != file) {
      for (const auto& [store, rows] : std::exchange(let_go, {})) {
        for (const uint32_t row : rows) see(store, row);
      }
      file = block.file;
    }
    if (block.let_go) {
      if (block.tables[0] >= stores.size()) return absl::DataLossError("rows let go are of an unknown table");
      std::vector<uint32_t>& rows = let_go[stores[block.tables[0]]];
      rows.insert(rows.end(), block.rows.begin(), block.rows.end());
      return absl::OkStatus();
    }
    for (int64_t i = 0; i < block.size(); ++i) {
      if (absl::Status status = count_row(block, i); !status.ok()) return status;
    }
    return absl::OkStatus();
  };
  return stored.VisitRows(StoredCheckpoint::Order::kNewestFirst, visit,
                          [&](const StoredFile& file, const SectionStream::Section& section) {
                            inspection.sections.push_back({file.name, section.name, section.size, section.checksum});
                          });
}

absl::Status Inspect(CheckpointInspection& inspection) {
  const auto stored = StoredCheckpoint::Open(inspection.directory);
  if (!stored.ok()) return stored.status();
  const CheckpointReader& state = (*stored)->state();
  inspection.files.push_back({kStateFileName, state.file_bytes(), state.checksum()});
  for (const StoredFile& file : (*stored)->row_files()) inspection.files.push_back(file);
  Digest digest;
  for (const SectionStream::Section& section : state.Sections()) {
    inspection.sections.push_back({kStateFileName, section.name, section.size, section.checksum});
    if (!IsLogical(section.name)) continue;
    const auto bytes = state.Read(section.name);
    if (!bytes.ok()) return bytes.status();
    digest.Append(section.name);
    digest.Append(*bytes);
  }
  for (const auto& [name, value] : (*stored)->meta()) {
    if (name != kMetaLogOffset) digest.Append(absl::StrCat(name, " ", value));
  }
  if (absl::Status status = ReadNumbers(**stored, inspection); !status.ok()) return status;
  auto spec = StoredModel(**stored);
  if (!spec.ok()) return spec.status();
  inspection.spec = *std::move(spec);
  for (const TableSpec& table : inspection.spec->tables())
    inspection.tables.push_back({table.name, table.dimension, table.state_width, 0});
  if (absl::Status status = ReadStatistics(**stored, inspection); !status.ok()) return status;
  if (absl::Status status = ReadEvaluations(**stored, inspection); !status.ok()) return status;
  if (absl::Status status = ReadRows(**stored, inspection, digest); !status.ok()) return status;
  inspection.state_digest = digest.Hex();
  return absl::OkStatus();
}

}  // namespace

CheckpointInspection InspectCheckpoint(const std::filesystem::path& directory) {
  CheckpointInspection inspection;
  inspection.directory = directory;
  inspection.damage = Inspect(inspection);
  return inspection;
}

}  // namespace polyscene
