#include "server/training/checkpoint_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameDigits = 20;  // Of the largest 64-bit number: names sort like offsets.

absl::Status DiskError(absl::string_view what, const fs::path& path, const std::error_code& error) {
  const std::string message = absl::StrCat("cannot ", what, " ", path.string(), ": ", error.message());
  if (error == std::errc::permission_denied || error == std::errc::read_only_file_system) {
    return absl::PermissionDeniedError(message);
  }
  if (error == std::errc::no_space_on_device) return absl::ResourceExhaustedError(message);
  return absl::InternalError(message);
}

std::optional<uint64_t> OffsetOf(const std::string& name) {
  uint64_t offset = 0;
  if (name.size() != kNameDigits || !std::all_of(name.begin(), name.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(name, &offset)) {
    return std::nullopt;
  }
  return offset;
}

// What tells a directory's files from all others, whatever they are called.
std::set<std::pair<dev_t, ino_t>> FilesOf(const fs::path& checkpoint) {
  std::set<std::pair<dev_t, ino_t>> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoint, error)) {
    struct stat info;
    if (stat(entry.path().c_str(), &info) == 0) files.emplace(info.st_dev, info.st_ino);
  }
  return files;
}

bool ShareAFile(const std::set<std::pair<dev_t, ino_t>>& files, const fs::path& checkpoint) {
  for (const auto& file : FilesOf(checkpoint)) {
    if (files.count(file) > 0) return true;
  }
  return false;
}

}  // namespace

absl::Status CheckpointFolder::Prepare() const {
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) return DiskError("create", directory_, error);
  std::vector<fs::path> leftovers;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_, error)) {
    const fs::path extension = entry.path().extension();
    if (extension == ".tmp" || extension == ".writing") leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) {
    if (!error) fs::remove_all(path, error);
  }
  return error ? DiskError("clean up", directory_, error) : absl::OkStatus();
}

fs::path CheckpointFolder::PathOf(uint64_t log_offset) const {
  return directory_ / absl::StrFormat("%020d", log_offset);
}

absl::StatusOr<std::vector<uint64_t>> CheckpointFolder::Offsets() const {
  std::vector<uint64_t> offsets;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_, error)) {
    const std::optional<uint64_t> offset = OffsetOf(entry.path().filename().string());
    if (offset.has_value()) offsets.push_back(*offset);
  }
  if (error) return DiskError("list", directory_, error);
  std::sort(offsets.begin(), offsets.end());
  return offsets;
}

absl::Status CheckpointFolder::SetAside(uint64_t log_offset) const {
  const fs::path path = PathOf(log_offset);
  fs::path aside = path;
  aside += ".corrupt";
  std::error_code error;
  fs::remove_all(aside, error);
  if (!error) fs::rename(path, aside, error);
  return error ? DiskError("set aside", path, error) : absl::OkStatus();
}

absl::StatusOr<std::optional<uint64_t>> CheckpointFolder::Prune(int kept) const {
  absl::StatusOr<std::vector<uint64_t>> offsets = Offsets();
  if (!offsets.ok()) return offsets.status();
  if (offsets->empty()) return std::optional<uint64_t>();
  const size_t surplus = offsets->size() - std::min<size_t>(offsets->size(), kept);
  const std::set<std::pair<dev_t, ino_t>> newest = FilesOf(PathOf(offsets->back()));
  std::optional<size_t> apart;  // The newest one that shares nothing with the newest of all.
  for (size_t i = offsets->size() - 1; i-- > 0 && !apart.has_value();) {
    if (!ShareAFile(newest, PathOf((*offsets)[i]))) apart = i;
  }
  for (size_t i = 0; i < surplus; ++i) {
    if (apart == i) continue;
    // Renamed first: one that is half removed must not be taken for a checkpoint.
    const fs::path path = PathOf((*offsets)[i]);
    fs::path doomed = path;
    doomed += ".tmp";
    std::error_code error;
    fs::rename(path, doomed, error);
    if (!error) fs::remove_all(doomed, error);
    if (error) return DiskError("remove", path, error);
  }
  return std::optional<uint64_t>((*offsets)[apart.has_value() && *apart < surplus ? *apart : surplus]);
}

absl::StatusOr<LoadedLearner> RecoverLearner(const fs::path& checkpoint_directory, const LearnerFunctions& functions,
                                             Metrics& metrics) {
  const CheckpointFolder folder(checkpoint_directory);
  if (absl::Status status = folder.Prepare(); !status.ok()) return status;
  absl::StatusOr<std::vector<uint64_t>> offsets = folder.Offsets();
  if (!offsets.ok()) return offsets.status();
  for (auto offset = offsets->rbegin(); offset != offsets->rend(); ++offset) {
    const fs::path path = folder.PathOf(*offset);
    absl::StatusOr<LoadedLearner> loaded = functions.load(path);
    if (loaded.ok() && loaded->log_offset != *offset) {
      loaded =
          absl::DataLossError(absl::StrCat("it holds log offset ", loaded->log_offset, ", its name says ", *offset));
    }
    if (loaded.ok()) {
      LogInfo(absl::StrCat("learning goes on from checkpoint ", path.string(), ", ",
                           loaded->learner->counters().rows_learned, " rows learned"));
      for (const std::string& change : loaded->changes) LogInfo(absl::StrCat("model file: ", change));
      return loaded;
    }
    if (!absl::IsDataLoss(loaded.status())) return loaded.status();
    metrics.CheckpointCorrupt();
    LogError(absl::StrCat("checkpoint ", path.string(), " cannot be read: ", loaded.status().message(),
                          "; trying the one before it"));
    if (absl::Status status = folder.SetAside(*offset); !status.ok()) return status;
  }
  absl::StatusOr<std::unique_ptr<Learner>> fresh = functions.create();
  if (!fresh.ok()) return fresh.status();
  LogInfo("learning begins with fresh weights");
  return LoadedLearner{*std::move(fresh), 0};
}

}  // namespace polyscene
