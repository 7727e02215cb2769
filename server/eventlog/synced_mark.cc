#include "server/eventlog/synced_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/eventlog/big_endian.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

constexpr char kMagic[] = "psmark1\n";  // 8 bytes.
constexpr size_t kBytes = 24;           // Magic, sequence, checksum.

// Any flipped bit of a sequence flips about half of its bits.
uint64_t Checksum(uint64_t x) {
  x = (x ^ (x >> 31) ^ 0x7fb5d329728ea185) * 0x81dadef4bc2dd44d;
  return x ^ (x >> 33);
}

std::string Encode(uint64_t sequence) {
  return absl::StrCat(kMagic, BigEndian(sequence), BigEndian(Checksum(sequence)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SyncedMark>> SyncedMark::Open(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return absl::InternalError(absl::StrCat("event log: cannot open ", file.string(), ": ", strerror(errno)));
  std::unique_ptr<SyncedMark> mark(new SyncedMark(file, fd));
  char bytes[kBytes + 1];
  const ssize_t count = ::pread(fd, bytes, sizeof(bytes), 0);
  if (count == 0) return mark;
  const absl::string_view text(bytes, count > 0 ? static_cast<size_t>(count) : 0);
  const std::optional<uint64_t> sequence = FromBigEndian(text, 8);
  if (!sequence.has_value() || text != Encode(*sequence)) {
    return absl::DataLossError(
        absl::StrCat("event log: ", file.string(),
                     " is damaged: it says up to where the log is durable. Where that is the only damage, "
                     "remove it and start again: the log is then taken as it is"));
  }
  mark->found_ = sequence;
  MutexLock lock(&mark->mu_);
  mark->noted_ = *sequence;
  return mark;
}

SyncedMark::~SyncedMark() { ::close(fd_); }

uint64_t SyncedMark::noted() {
  MutexLock lock(&mu_);
  return noted_;
}

void SyncedMark::Note(uint64_t sequence) {
  MutexLock lock(&mu_);
  if (sequence <= noted_) return;
  noted_ = sequence;
  const std::string bytes = Encode(sequence);
  if (::pwrite(fd_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    LogWarning(absl::StrCat("event log: cannot write ", file_.string(), ": ", strerror(errno)));
  }
}

}  // namespace polyscene
