#include "model/offline/output_directory.h"

#include <system_error>

#include "absl/strings/str_cat.h"
#include "model/learning/stored_checkpoint.h"
#include "model/report/interrupt.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

absl::Status DiskError(absl::string_view what, const fs::path& path, const std::error_code& error) {
  return absl::ErrnoToStatus(error.value(), absl::StrCat("--out: cannot ", what, " ", path.string()));
}

}  // namespace

absl::StatusOr<fs::path> PrepareOutputDirectory(const std::string& path) {
  std::error_code error;
  fs::path directory = fs::absolute(path, error).lexically_normal();
  if (error) return DiskError("find", path, error);
  if (!directory.has_filename()) directory = directory.parent_path();  // "ck/" is "ck".
  if (fs::exists(fs::symlink_status(directory, error))) {
    if (!fs::is_directory(directory, error)) {
      return absl::AlreadyExistsError(
          absl::StrCat("--out: ", directory.string(), " is a file, expected a new or an empty folder"));
    }
    const bool empty = fs::is_empty(directory, error);
    if (error) return DiskError("look into", directory, error);
    if (!empty) {
      return absl::AlreadyExistsError(
          absl::StrCat("--out: ", directory.string(),
                       " is there already, and not empty; expected a new or an empty folder (a checkpoint is never "
                       "written over another; --from DIR goes on from one)"));
    }
  }
  fs::create_directories(directory.parent_path(), error);
  if (error) return DiskError("create", directory.parent_path(), error);
  // What SaveCheckpoint() will do, tried now: hours of training must not end in a permission denied.
  const fs::path probe = directory.string() + ".writing";
  fs::remove_all(probe, error);  // What a crash left.
  fs::create_directory(probe, error);
  if (error) return DiskError("create", probe, error);
  fs::remove(probe, error);
  return directory;
}

absl::Status SaveTrained(Learner& learner, const fs::path& directory) {
  const fs::path temporary = directory.string() + ".writing";
  const HalfWritten rows(temporary / RowFileName(0));
  const HalfWritten state(temporary / kStateFileName, temporary);
  std::error_code error;
  fs::remove(directory, error);  // Only an empty folder goes; else SaveCheckpoint() says what is there.
  return learner.SaveCheckpoint(directory, 0);
}

}  // namespace polyscene
