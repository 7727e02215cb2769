#include "client/simulator/output_file.h"

#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace polyscene::simulator {

void OutputFile::Closer::operator()(void* file) const { gzclose(static_cast<gzFile>(file)); }

absl::StatusOr<OutputFile> OutputFile::Create(const std::string& path) {
  std::error_code ignored;
  const auto type = std::filesystem::status(path, ignored).type();
  const bool at_once = type != std::filesystem::file_type::not_found && type != std::filesystem::file_type::regular;
  const std::string temporary = at_once ? path : path + ".writing";
  errno = 0;
  // T: as it is. Level 3 halves the time of level 6 for a few per cent of size.
  gzFile file = gzopen(temporary.c_str(), absl::EndsWith(path, ".gz") ? "wb3" : "wbT");
  if (file == nullptr) {
    const int error = errno == 0 ? ENOMEM : errno;  // zlib leaves errno alone where only memory was missing.
    return absl::ErrnoToStatus(error, absl::StrCat("cannot write '", path, "'"));
  }
  gzbuffer(file, 256 << 10);
  return OutputFile(path, temporary, file);
}

absl::Status OutputFile::Write(absl::string_view bytes) {
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
  if (gzclose(static_cast<gzFile>(file_.release())) != Z_OK) {
    return absl::UnavailableError(absl::StrCat("writing '", path_, "': ", std::strerror(errno)));
  }
  if (temporary_ != path_ && std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot rename '", temporary_, "' to '", path_, "'"));
  }
  return absl::OkStatus();
}

}  // namespace polyscene::simulator
