#include "client/simulator/output_file.h"

#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace polyscene::simulator {

void OutputFile::Closer::operator()(void* file) const { gzclose(static_cast<gzFile>(file)); }

absl::StatusOr<OutputFile> OutputFile::Create(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  const bool regular = !std::filesystem::exists(status) || std::filesystem::is_regular_file(status);
  const std::string written = regular ? absl::StrCat(path, ".partial") : path;
  errno = 0;
  // T: as it is. Level 3 halves the time of level 6 for a few per cent of size.
  gzFile file = gzopen(written.c_str(), absl::EndsWith(path, ".gz") ? "wb3" : "wbT");
  if (file == nullptr) {
    const int error = errno == 0 ? ENOMEM : errno;  // zlib leaves errno alone where only memory was missing.
    return absl::ErrnoToStatus(error, absl::StrCat("cannot write '", path, "'"));
  }
  gzbuffer(file, 256 << 10);
  return OutputFile(path, written, file);
}

OutputFile::~OutputFile() {
  if (file_ == nullptr) return;  // Closed, or moved from.
  file_ = nullptr;
  if (written_ != path_) std::remove(written_.c_str());
}

absl::Status OutputFile::Write(absl::string_view bytes) {
  if (Interrupted()) return absl::CancelledError(absl::StrCat("interrupted: '", path_, "' is not written"));
  while (!bytes.empty()) {
    // A call takes an unsigned int of bytes.
    const absl::string_view part = bytes.substr(0, 1 << 30);
    errno = 0;
    if (gzwrite(static_cast<gzFile>(file_.get()), part.data(), static_cast<unsigned>(part.size())) <= 0) {
      return absl::UnavailableError(absl::StrCat("writing '", path_, "': ", std::strerror(errno)));
    }
    bytes.remove_prefix(part.size());
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Close() {
  errno = 0;
  bool whole = gzclose(static_cast<gzFile>(file_.release())) == Z_OK;
  if (whole && written_ != path_) whole = std::rename(written_.c_str(), path_.c_str()) == 0;
  if (whole) return absl::OkStatus();
  const std::string reason = std::strerror(errno);
  if (written_ != path_) std::remove(written_.c_str());
  return absl::UnavailableError(absl::StrCat("writing '", path_, "': ", reason));
}

}  // namespace polyscene::simulator
