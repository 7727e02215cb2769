#include "model/offline/inspect_program.h"

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "model/report/figure_table.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

// Names of a folder's checkpoints (20 digits, so they sort like offsets), and of those that a server set aside.
struct CheckpointNames {
  std::vector<std::string> found;
  std::vector<std::string> set_aside;
};

CheckpointNames NamesIn(const fs::path& folder) {
  CheckpointNames names;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const std::string stem = entry.path().stem().string();
    if (stem.size() != 20 || !std::all_of(stem.begin(), stem.end(), absl::ascii_isdigit)) continue;
    if (name == stem) names.found.push_back(name);
    if (absl::EndsWith(name, ".corrupt")) names.set_aside.push_back(name);
  }
  std::sort(names.found.begin(), names.found.end());
  std::sort(names.set_aside.begin(), names.set_aside.end());
  return names;
}

std::string TimeText(int64_t micros) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixMicros(micros), absl::UTCTimeZone());
}

std::string Hex8(uint32_t checksum) { return absl::StrCat(absl::Hex(checksum, absl::kZeroPad8)); }

std::string Thousands(uint64_t number) { return WithThousands(static_cast<long long>(number)); }

std::string FilesText(const CheckpointInspection& inspection) {
  TextTable table({"file", "bytes", "checksum"});
  for (const StoredFile& file : inspection.files) {
    table.AddRow({file.name, Thousands(file.bytes), Hex8(file.checksum)});
  }
  return table.Render();
}

std::string TablesText(const CheckpointInspection& inspection) {
  TextTable table({"table", "dimension", "rows", "bytes"});
  for (const InspectedTable& t : inspection.tables) {
    table.AddRow({t.name, absl::StrCat(t.dimension), Thousands(t.rows), Thousands(t.bytes())});
  }
  return table.Render();
}

std::string StatisticsText(const CheckpointInspection& inspection) {
  TextTable table({"feature", "count", "mean", "deviation", "min", "max"});
  for (const auto& [feature, seen] : inspection.statistics) {
    table.AddRow({feature, Thousands(static_cast<uint64_t>(seen.count)), Readable(seen.mean),
                  Readable(seen.deviation()), Readable(seen.min), Readable(seen.max)});
  }
  return table.Render();
}

Json SectionsJson(const CheckpointInspection& inspection) {
  Json sections = Json::array();
  for (const InspectedSection& section : inspection.sections) {
    sections.push_back({{"file", section.file},
                        {"name", section.name},
                        {"bytes", section.bytes},
                        {"checksum", Hex8(section.checksum)}});
  }
  return sections;
}

absl::Status Damaged(const CheckpointInspection& inspection) {
  return absl::DataLossError(absl::StrCat(inspection.directory.string(), " is damaged: ", inspection.damage.message()));
}

absl::Status InspectOne(const TrainFlags& flags, std::ostream& out) {
  const CheckpointInspection inspection = InspectCheckpoint(flags.inspect);
  if (flags.json) {
    out << InspectionJson(inspection).dump() << std::endl;
  } else {
    out << InspectionText(inspection) << std::flush;
  }
  return inspection.damage.ok() ? absl::OkStatus() : Damaged(inspection);
}

absl::Status InspectEach(const TrainFlags& flags, const fs::path& folder, const CheckpointNames& names,
                         std::ostream& out) {
  absl::Status first;
  Json checkpoints = Json::array();
  for (const std::string& name : names.found) {
    const CheckpointInspection inspection = InspectCheckpoint(folder / name);
    std::error_code error;
    if (!inspection.damage.ok() && !fs::exists(folder / name, error)) continue;  // A server retired it meanwhile.
    if (!inspection.damage.ok() && first.ok()) first = Damaged(inspection);
    if (flags.json) {
      checkpoints.push_back(InspectionJson(inspection));
    } else {
      out << InspectionText(inspection) << std::endl;
    }
  }
  if (flags.json) {
    out << Json({{"checkpoints", checkpoints}, {"set_aside", names.set_aside}}).dump() << std::endl;
  } else {
    for (const std::string& name : names.set_aside) out << "set aside as damaged: " << (folder / name).string() << "\n";
    out << std::flush;
  }
  return first;
}

}  // namespace

std::string InspectionText(const CheckpointInspection& inspection) {
  std::string text = absl::StrCat("checkpoint ", inspection.directory.string(), "\n");
  if (inspection.spec != nullptr) {
    absl::StrAppend(&text, "  format ", inspection.format, ", model '", inspection.spec->file().name(), "' (",
                    inspection.model_fingerprint, "), hash key ", inspection.hash_key_fingerprint, "\n  log offset ",
                    Thousands(inspection.log_offset), ", step ", Thousands(inspection.step), ", ",
                    Thousands(inspection.rows_learned), " rows learned, event time up to ",
                    TimeText(inspection.learned_up_to_micros), "\n");
  }
  if (!inspection.files.empty()) absl::StrAppend(&text, "\n", FilesText(inspection));
  if (!inspection.damage.ok()) return absl::StrCat(text, "\nDAMAGED: ", inspection.damage.message(), "\n");
  if (!inspection.tables.empty()) absl::StrAppend(&text, "\n", TablesText(inspection));
  if (!inspection.statistics.empty()) absl::StrAppend(&text, "\n", StatisticsText(inspection));
  if (!inspection.recent.empty()) absl::StrAppend(&text, "\nrecent window\n", FigureTable(inspection.recent));
  for (const auto& [producer, figures] : inspection.opened) {
    absl::StrAppend(&text, "\nevaluation of producer '", producer, "'\n", FigureTable(figures));
  }
  return absl::StrCat(text, "\nevery checksum holds; state digest ", inspection.state_digest, "\n");
}

Json InspectionJson(const CheckpointInspection& inspection) {
  Json json = {{"directory", inspection.directory.string()},
               {"valid", inspection.damage.ok()},
               {"damage", std::string(inspection.damage.message())},
               {"format", inspection.format},
               {"model", inspection.spec == nullptr ? "" : inspection.spec->file().name()},
               {"model_fingerprint", inspection.model_fingerprint},
               {"hash_key_fingerprint", inspection.hash_key_fingerprint},
               {"log_offset", inspection.log_offset},
               {"step", inspection.step},
               {"rows_learned", inspection.rows_learned},
               {"learned_up_to_micros", inspection.learned_up_to_micros},
               {"state_digest", inspection.state_digest},
               {"files", Json::array()},
               {"sections", SectionsJson(inspection)},
               {"tables", Json::array()},
               {"statistics", Json::array()},
               {"recent", FiguresJson(inspection.recent)},
               {"opened", Json::object()}};
  for (const StoredFile& file : inspection.files) {
    json["files"].push_back({{"name", file.name}, {"bytes", file.bytes}, {"checksum", Hex8(file.checksum)}});
  }
  for (const InspectedTable& table : inspection.tables) {
    json["tables"].push_back(
        {{"table", table.name}, {"dimension", table.dimension}, {"rows", table.rows}, {"bytes", table.bytes()}});
  }
  for (const auto& [feature, seen] : inspection.statistics) {
    json["statistics"].push_back({{"feature", feature},
                                  {"count", seen.count},
                                  {"mean", JsonNumber(seen.mean)},
                                  {"deviation", JsonNumber(seen.deviation())},
                                  {"min", JsonNumber(seen.min)},
                                  {"max", JsonNumber(seen.max)}});
  }
  for (const auto& [producer, figures] : inspection.opened) json["opened"][producer] = FiguresJson(figures);
  return json;
}

absl::Status RunInspectProgram(const TrainFlags& flags, std::ostream& out) {
  std::error_code error;
  const fs::path given = flags.inspect;
  if (!fs::is_directory(given, error)) {
    return absl::NotFoundError(absl::StrCat("--inspect: there is no directory ", given.string()));
  }
  if (fs::exists(given / kStateFileName, error)) return InspectOne(flags, out);
  for (const fs::path& folder : {given / "checkpoints", given}) {
    const CheckpointNames names = NamesIn(folder);
    if (!names.found.empty() || !names.set_aside.empty()) return InspectEach(flags, folder, names, out);
  }
  return absl::NotFoundError(absl::StrCat("--inspect: ", given.string(),
                                          " holds no checkpoint; expected a checkpoint's directory (with its ",
                                          kStateFileName, "), a folder of checkpoints or a data directory"));
}

}  // namespace polyscene
