#include "model/evaluation/drift.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "model/evaluation/bytes.h"

namespace polyscene {
namespace {

constexpr uint64_t kVersion = 1;
constexpr size_t kChecksumBytes = 8;

// What one row counts for at most, in deviations, however far out its loss is: a quarter of the default threshold, so
// that four rows at least make an alarm.
constexpr double kMostOfARow = 50;

// Mean and deviation are of about the last so many rows. Without an end they would be of a past that nobody remembers:
// after a year of falling losses even a steep rise would stay below their mean.
constexpr uint64_t kMemoryRows = 100'000;

}  // namespace

DriftMonitor::DriftMonitor(EvaluationLayout layout, const DriftOptions& options)
    : layout_(std::move(layout)), options_(options), detectors_(layout_.scenes.size() * layout_.tasks.size()) {}

void DriftMonitor::Add(int scene, int task, double loss, int64_t event_micros) {
  if (!options_.watch || !std::isfinite(loss)) return;
  Detector& d = detectors_[scene * layout_.tasks.size() + task];
  ++d.rows;
  const double share = 1.0 / static_cast<double>(std::min(d.rows, kMemoryRows));
  const double before = loss - d.mean;
  d.mean += before * share;
  const double after = loss - d.mean;
  if (d.rows > kMemoryRows) d.squares *= 1 - share;
  d.squares += before * after;
  if (d.rows <= static_cast<uint64_t>(options_.minimum_rows)) return;  // What is usual is not known yet.

  const double deviation = std::sqrt(d.squares * share);
  if (!(deviation > 0)) return;
  d.sum += std::min(after / deviation, kMostOfARow) - options_.tolerance;
  d.lowest = std::min(d.lowest, d.sum);
  if (d.sum - d.lowest <= options_.threshold) return;
  const uint64_t alarms = d.alarms + 1;
  d = Detector();  // What comes now is the new usual.
  d.alarms = alarms;
  d.last_alarm_event_micros = event_micros;
}

void DriftMonitor::Clear() { detectors_.assign(detectors_.size(), Detector()); }

void DriftMonitor::Forget(int task) {
  for (size_t s = 0; s < layout_.scenes.size(); ++s) {
    Detector& d = detectors_[s * layout_.tasks.size() + task];
    Detector fresh;
    fresh.alarms = d.alarms;
    fresh.last_alarm_event_micros = d.last_alarm_event_micros;
    d = fresh;
  }
}

std::vector<DriftFigure> DriftMonitor::Figures() const {
  std::vector<DriftFigure> figures;
  if (!options_.watch) return figures;
  for (size_t s = 0; s < layout_.scenes.size(); ++s) {
    for (const int t : layout_.scene_tasks[s]) {
      const Detector& d = detectors_[s * layout_.tasks.size() + t];
      const double level = std::min((d.sum - d.lowest) / options_.threshold, 1.0);
      figures.push_back({layout_.scenes[s], layout_.tasks[t].name, level, d.alarms, d.last_alarm_event_micros});
    }
  }
  return figures;
}

std::string DriftMonitor::Serialize() const {
  if (std::all_of(detectors_.begin(), detectors_.end(), [this](const Detector& d) { return empty(d); })) return "";
  std::string bytes;
  AppendVarint(kVersion, bytes);
  for (size_t i = 0; i < detectors_.size(); ++i) {
    const Detector& d = detectors_[i];
    if (empty(d)) continue;
    AppendString(layout_.scenes[i / layout_.tasks.size()], bytes);
    AppendString(layout_.tasks[i % layout_.tasks.size()].name, bytes);
    AppendVarint(d.rows, bytes);
    for (const double value : {d.mean, d.squares, d.sum, d.lowest}) AppendDouble(value, bytes);
    AppendVarint(d.alarms, bytes);
    AppendFixed64(static_cast<uint64_t>(d.last_alarm_event_micros), bytes);
  }
  AppendString("", bytes);
  AppendFixed64(Checksum(bytes), bytes);
  return bytes;
}

absl::Status DriftMonitor::Restore(absl::string_view bytes) {
  if (bytes.size() < kChecksumBytes) {
    return absl::DataLossError(absl::StrCat("drift: ", bytes.size(), " bytes are too few"));
  }
  const absl::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (ByteReader(bytes.substr(body.size())).Fixed64() != Checksum(body)) {
    return absl::DataLossError("drift: its checksum does not match, so it was cut or changed");
  }
  ByteReader reader(body);
  const uint64_t version = reader.Varint();
  if (version != kVersion) {
    return absl::DataLossError(absl::StrCat("drift: format version ", version, ", expected ", kVersion));
  }
  std::vector<Detector> restored(detectors_.size());
  for (absl::string_view scene = reader.String(); !scene.empty(); scene = reader.String()) {
    const absl::string_view task = reader.String();
    Detector d;
    d.rows = reader.Varint();
    for (double* value : {&d.mean, &d.squares, &d.sum, &d.lowest}) *value = reader.Double();
    d.alarms = reader.Varint();
    d.last_alarm_event_micros = static_cast<int64_t>(reader.Fixed64());
    for (size_t i = 0; i < restored.size(); ++i) {
      if (layout_.scenes[i / layout_.tasks.size()] == scene && layout_.tasks[i % layout_.tasks.size()].name == task) {
        restored[i] = d;
      }
    }
  }
  if (!reader.done()) return absl::DataLossError("drift: malformed behind a matching checksum");
  if (options_.watch) detectors_ = std::move(restored);  // Else they would go on some day over a gap.
  return absl::OkStatus();
}

}  // namespace polyscene
