// Bytes of an Evaluation: version (varint), fingerprint of the layout (8 bytes), the cells that saw rows, each after
// the distance to the one before it (a varint, 0 ends them), and a checksum over all of that (8 bytes).
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "model/evaluation/bytes.h"
#include "model/evaluation/evaluation.h"
#include "model/evaluation/evaluation_cell.h"

namespace polyscene {
namespace {

constexpr uint64_t kVersion = 1;
constexpr size_t kChecksumBytes = 8;

uint64_t Fingerprint(const EvaluationLayout& layout) {
  std::string text;
  AppendVarint(layout.scenes.size(), text);
  for (const std::string& scene : layout.scenes) AppendString(scene, text);
  for (const EvaluatedTask& task : layout.tasks) {
    AppendString(task.name, text);
    AppendVarint(static_cast<uint64_t>(task.kind), text);
    AppendVarint(task.outputs, text);
    AppendVarint(task.label_width, text);
    if (task.quantile > 0) AppendDouble(task.quantile, text);  // Its cells have two numbers more.
  }
  for (const std::vector<int>& tasks : layout.scene_tasks) {
    AppendVarint(tasks.size(), text);
    for (const int task : tasks) AppendVarint(task, text);
  }
  return Checksum(text);
}

bool IsError(EvaluatedKind kind) { return kind == EvaluatedKind::kRegression || kind == EvaluatedKind::kForecast; }

// Bins that saw rows alone, each after the distance to the one before it.
template <typename Bin>
void AppendBins(const std::vector<Bin>& bins, std::string& bytes) {
  size_t last = 0;
  for (size_t i = 0; i < bins.size(); ++i) {
    if (bins[i].negatives == 0 && bins[i].positives == 0) continue;
    AppendVarint(i + 1 - last, bytes);
    AppendVarint(bins[i].negatives, bytes);
    AppendVarint(bins[i].positives, bytes);
    last = i + 1;
  }
  AppendVarint(0, bytes);
}

// Returns whether the bins hold `rows` rows.
template <typename Bin>
bool ReadBins(ByteReader& reader, uint64_t rows, std::vector<Bin>& bins) {
  bins.resize(kAucBins);
  uint64_t next = 0;
  uint64_t seen = 0;
  while (const uint64_t distance = reader.Varint()) {
    if (distance > kAucBins - next) return false;
    next += distance;
    Bin& bin = bins[next - 1];
    bin.negatives = reader.Varint();
    bin.positives = reader.Varint();
    seen += bin.negatives + bin.positives;
  }
  return seen == rows;
}

}  // namespace

std::string Evaluation::Serialize() const {
  std::string bytes;
  AppendVarint(kVersion, bytes);
  AppendFixed64(Fingerprint(layout_), bytes);
  size_t last = 0;
  for (size_t i = 0; i < cells_.size(); ++i) {
    const Cell& cell = cells_[i];
    if (cell.rows == 0) continue;
    AppendVarint(i + 1 - last, bytes);
    last = i + 1;
    AppendVarint(static_cast<uint64_t>(cell.rows), bytes);
    const EvaluatedTask& task = layout_.tasks[i % layout_.tasks.size()];
    if (IsError(task.kind)) {
      for (const Cell::Errors& sums : cell.outputs) {
        AppendDouble(sums.squared, bytes);
        AppendDouble(sums.absolute, bytes);
        AppendDouble(sums.label_mean, bytes);
        AppendDouble(sums.label_m2, bytes);
        if (task.quantile <= 0) continue;
        AppendDouble(sums.pinball, bytes);
        AppendVarint(static_cast<uint64_t>(sums.covered), bytes);
      }
      continue;
    }
    AppendVarint(static_cast<uint64_t>(cell.correct), bytes);
    AppendDouble(cell.log_loss, bytes);
    AppendDouble(cell.predictions, bytes);
    if (!cell.bins.empty()) AppendBins(cell.bins, bytes);
  }
  AppendVarint(0, bytes);
  AppendFixed64(Checksum(bytes), bytes);
  return bytes;
}

absl::StatusOr<Evaluation> Evaluation::Parse(EvaluationLayout layout, absl::string_view bytes) {
  if (bytes.size() < kChecksumBytes) {
    return absl::DataLossError(absl::StrCat("evaluation: ", bytes.size(), " bytes are too few"));
  }
  const absl::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (ByteReader(bytes.substr(body.size())).Fixed64() != Checksum(body)) {
    return absl::DataLossError("evaluation: its checksum does not match, so it was cut or changed");
  }
  ByteReader reader(body);
  const uint64_t version = reader.Varint();
  if (version != kVersion) {
    return absl::DataLossError(absl::StrCat("evaluation: format version ", version, ", expected ", kVersion));
  }
  const uint64_t fingerprint = reader.Fixed64();
  if (fingerprint != Fingerprint(layout)) {
    return absl::DataLossError(absl::StrCat("evaluation: made for scenes and tasks with fingerprint ",
                                            absl::Hex(fingerprint, absl::kZeroPad16), ", expected ",
                                            absl::Hex(Fingerprint(layout), absl::kZeroPad16)));
  }

  Evaluation evaluation(std::move(layout));
  const absl::Status malformed = absl::DataLossError("evaluation: malformed behind a matching checksum");
  uint64_t next = 0;
  while (const uint64_t distance = reader.Varint()) {
    if (distance > evaluation.cells_.size() - next) return malformed;
    next += distance;
    Cell& cell = evaluation.cells_[next - 1];
    const EvaluatedTask& task = evaluation.layout_.tasks[(next - 1) % evaluation.layout_.tasks.size()];
    const uint64_t rows = reader.Varint();
    if (rows == 0) return malformed;
    cell.rows = static_cast<double>(rows);
    if (IsError(task.kind)) {
      cell.outputs.resize(task.outputs);
      for (Cell::Errors& sums : cell.outputs) {
        sums.squared = reader.Double();
        sums.absolute = reader.Double();
        sums.label_mean = reader.Double();
        sums.label_m2 = reader.Double();
        if (task.quantile <= 0) continue;
        sums.pinball = reader.Double();
        sums.covered = static_cast<double>(reader.Varint());
      }
      continue;
    }
    cell.correct = static_cast<double>(reader.Varint());
    cell.log_loss = reader.Double();
    cell.predictions = reader.Double();
    if (task.kind != EvaluatedKind::kBinary) continue;
    if (!ReadBins(reader, rows, cell.bins)) return malformed;
    for (const Cell::Bin& bin : cell.bins) cell.positives += static_cast<double>(bin.positives);
  }
  if (!reader.done()) return malformed;
  return evaluation;
}

}  // namespace polyscene
