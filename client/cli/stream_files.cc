#include "client/cli/stream_files.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/data/byte_source.h"
#include "model/data/event_columns.h"
#include "model/data/event_times.h"

namespace polyscene::cli {
namespace {

// What a file lacks and may lack: a misspelt name would go unnoticed otherwise.
std::string AbsentColumns(const v1::ModelFile& model, const EventColumns& columns, const RowSource& source) {
  const auto has = [&](int field) { return field >= 0 && source.HasColumn(field); };
  std::set<std::string> found;
  for (const SceneColumns& scene : columns.scenes) {
    for (const FeatureColumn& feature : scene.features) {
      if (has(feature.field)) found.insert(feature.name);
    }
    for (const TaskColumns& task : scene.tasks) {
      if (std::any_of(task.fields.begin(), task.fields.end(), has)) found.insert(task.name);
    }
  }
  std::vector<std::string> absent;
  for (const v1::Feature& feature : model.features()) {
    if (found.count(feature.name()) == 0) absent.push_back(absl::StrCat("feature '", feature.name(), "'"));
  }
  for (const v1::Task& task : model.tasks()) {
    if (found.count(task.name()) == 0) absent.push_back(absl::StrCat("task '", task.name(), "'"));
  }
  return absl::StrJoin(absent, ", ");
}

}  // namespace

std::string WrongFlags(const StreamFlags& flags) {
  int64_t micros = 0;
  if (!ParseTimeMicros(flags.evaluate_from, &micros)) {
    return absl::StrCat("--evaluate_from: got '", flags.evaluate_from, "', expected ", kTimeFormats,
                        ", 0 for all rows");
  }
  if (!flags.standard_input() && std::count(flags.files.begin(), flags.files.end(), "-") > 0) {
    return "-: standard input is not merged with files, expected it alone";
  }
  if (flags.standard_input() && !flags.producer.empty()) {
    return "--producer: what comes from standard input cannot be known from an earlier run, so nothing could be passed "
           "over safely; expected a file";
  }
  return "";
}

int64_t EvaluateFromMicros(const StreamFlags& flags) {
  int64_t micros = 0;
  ParseTimeMicros(flags.evaluate_from, &micros);
  return micros;
}

absl::Status CheckFiles(const StreamFlags& flags) {
  for (const std::string& file : flags.files) {
    if (file == "-") continue;
    if (absl::Status status = ByteSource::Open(file).status(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

client::Milestone MilestoneOf(const std::string& wait_for) {
  static const std::map<std::string, client::Milestone> kMilestones = {{"logged", client::Milestone::kLogged},
                                                                       {"learned", client::Milestone::kLearned},
                                                                       {"served", client::Milestone::kServed}};
  return kMilestones.at(wait_for);
}

void TellAbsentColumns(const v1::ModelFile& model, const EventReader& reader, bool with_header) {
  std::map<std::string, std::vector<std::string>> files_by_absent;
  for (size_t file = 0; file < reader.files(); ++file) {
    if (reader.source(file).has_header() != with_header) continue;
    files_by_absent[AbsentColumns(model, reader.columns(file), reader.source(file))].push_back(
        reader.source(file).path());
  }
  for (const auto& [absent, files] : files_by_absent) {
    if (absent.empty()) continue;
    std::cerr << "polyscene: " << files[0];
    if (files.size() > 1) std::cerr << " and " << files.size() - 1 << (files.size() == 2 ? " other" : " others");
    std::cerr << (files.size() > 1 ? " have" : " has") << " no " << (with_header ? "column of " : "key of ") << absent
              << "\n";
  }
}

absl::Status CheckScene(const StreamFlags& flags, const v1::ModelFile& model, const EventReader& reader) {
  if (flags.scene.empty()) return absl::OkStatus();
  std::vector<std::string> own;
  for (size_t file = 0; file < reader.files(); ++file) {
    if (reader.source(file).has_header() && reader.columns(file).scene_field >= 0) {
      own.push_back(reader.source(file).path());
    }
  }
  if (own.size() == reader.files()) {
    return absl::InvalidArgumentError(absl::StrCat("--scene ", flags.scene, ": ", absl::StrJoin(own, ", "),
                                                   own.size() == 1 ? " has" : " have", " the column '",
                                                   SceneColumnOf(model), "'; expected a file without it"));
  }
  if (!own.empty()) {
    std::cerr << "polyscene: rows of " << absl::StrJoin(own, ", ") << " are of the scenes that they name, those of the "
              << "other files of " << flags.scene << "\n";
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RejectedFile>> CreateRejectedFile(const StreamFlags& flags, const EventReader& reader) {
  if (flags.rejected.empty()) return nullptr;
  std::vector<RejectedSource> sources;
  for (size_t file = 0; file < reader.files(); ++file) {
    const RowSource& source = reader.source(file);
    sources.push_back({source.path(), !source.has_header(), {}});
    if (source.has_header()) sources.back().header = source.header();
  }
  return RejectedFile::Create(flags.rejected, std::move(sources));
}

int EndOfStream(const StreamFlags& flags, const FeedSummary& summary, const RejectedFile* rejected,
                const absl::Status& sent, const absl::Status& kept, const std::string& how_to_go_on) {
  if (rejected != nullptr && rejected->rows() > 0 && kept.ok()) {
    std::cerr << "polyscene: the refused rows are in " << flags.rejected << "\n";
  }
  if (!sent.ok()) return Fail(sent);
  if (!kept.ok()) return Fail(kept);
  if (summary.interrupted) return Fail(absl::CancelledError(absl::StrCat("interrupted: ", how_to_go_on)));
  if (summary.rows_rejected > flags.max_rejected) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat(summary.rows_rejected, summary.rows_rejected == 1 ? " row was" : " rows were",
                     " refused, expected at most ", flags.max_rejected, " (--max_rejected)")));
  }
  return kDone;
}

}  // namespace polyscene::cli
