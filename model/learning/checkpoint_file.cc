#include "model/learning/checkpoint_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr char kMagic[8] = {'P', 'L', 'Y', 'S', 'C', 'K', 'P', 'T'};
constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr uint32_t kMaxNameBytes = 4096;

absl::Status DiskError(absl::string_view what, const std::filesystem::path& path) {
  const std::string message = absl::StrCat(what, " ", path.string(), ": ", std::strerror(errno));
  if (errno == ENOSPC || errno == EDQUOT) return absl::ResourceExhaustedError(message);
  if (errno == EACCES || errno == EPERM || errno == EROFS) return absl::PermissionDeniedError(message);
  return absl::InternalError(message);
}

uint32_t Crc(uint32_t crc, const void* bytes, uint64_t size) {
  if (size == 0) return crc;  // zlib takes a null pointer, as an empty vector has, for the start of a new checksum.
  return static_cast<uint32_t>(crc32_z(crc, static_cast<const unsigned char*>(bytes), size));
}

}  // namespace

CheckpointWriter::CheckpointWriter(std::filesystem::path path) : path_(std::move(path)) {
  fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    status_ = DiskError("cannot create", path_);
    return;
  }
  Raw(kMagic, sizeof(kMagic));
  Raw(&kCheckpointFormat, sizeof(kCheckpointFormat));
}

CheckpointWriter::~CheckpointWriter() {
  if (fd_ >= 0) close(fd_);
}

void CheckpointWriter::Raw(const void* bytes, uint64_t size) {
  if (!status_.ok()) return;
  buffer_.append(static_cast<const char*>(bytes), size);
  if (buffer_.size() < kBufferBytes) return;
  for (size_t done = 0; done < buffer_.size();) {
    const ssize_t n = write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      status_ = DiskError("cannot write", path_);
      break;
    }
    done += static_cast<size_t>(n);
  }
  buffer_.clear();
}

void CheckpointWriter::Begin(absl::string_view name, uint64_t size) {
  const uint32_t length = static_cast<uint32_t>(name.size());
  Raw(&length, sizeof(length));
  Raw(name.data(), name.size());
  Raw(&size, sizeof(size));
  crc_ = Crc(0, name.data(), name.size());
  left_ = size;
}

void CheckpointWriter::Write(const void* bytes, uint64_t size) {
  // In pieces, so that the buffer never holds a whole table.
  const char* from = static_cast<const char*>(bytes);
  for (uint64_t done = 0; done < size;) {
    const uint64_t piece = std::min<uint64_t>(size - done, kBufferBytes);
    Raw(from + done, piece);
    done += piece;
  }
  crc_ = Crc(crc_, bytes, size);
  left_ -= std::min(left_, size);
}

void CheckpointWriter::End() {
  if (left_ != 0 && status_.ok()) status_ = absl::InternalError(absl::StrCat("section short by ", left_, " bytes"));
  Raw(&crc_, sizeof(crc_));
}

void CheckpointWriter::Section(absl::string_view name, absl::string_view bytes) {
  Begin(name, bytes.size());
  Write(bytes.data(), bytes.size());
  End();
}

absl::Status CheckpointWriter::Close() {
  Section("", "");
  if (status_.ok()) {
    for (size_t done = 0; done < buffer_.size();) {
      const ssize_t n = write(fd_, buffer_.data() + done, buffer_.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return status_ = DiskError("cannot write", path_);
      done += static_cast<size_t>(n);
    }
    buffer_.clear();
    if (fsync(fd_) != 0) return status_ = DiskError("cannot sync", path_);
  }
  return status_;
}

absl::StatusOr<std::unique_ptr<CheckpointReader>> CheckpointReader::Open(std::filesystem::path path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return absl::NotFoundError(absl::StrCat("no checkpoint at ", path.string()));
    return DiskError("cannot open", path);
  }
  std::unique_ptr<CheckpointReader> reader(new CheckpointReader(std::move(path), fd));
  if (absl::Status status = reader->Index(); !status.ok()) return status;
  return reader;
}

CheckpointReader::~CheckpointReader() { close(fd_); }

absl::Status CheckpointReader::Index() {
  const auto bad = [this](absl::string_view what) {
    return absl::DataLossError(absl::StrCat("checkpoint ", path_.string(), ": ", what));
  };
  struct stat info;
  if (fstat(fd_, &info) != 0) return DiskError("cannot read", path_);
  const uint64_t file_size = static_cast<uint64_t>(info.st_size);
  uint64_t at = 0;
  const auto read_at = [&](void* bytes, uint64_t size) -> bool {
    if (size > file_size - at) return false;
    for (uint64_t done = 0; done < size;) {
      const ssize_t n = pread(fd_, static_cast<char*>(bytes) + done, size - done, static_cast<off_t>(at + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      done += static_cast<uint64_t>(n);
    }
    at += size;
    return true;
  };

  char magic[sizeof(kMagic)];
  uint32_t format = 0;
  if (!read_at(magic, sizeof(magic)) || std::memcmp(magic, kMagic, sizeof(magic)) != 0 || !read_at(&format, 4)) {
    return bad("is not a checkpoint file");
  }
  if (format != kCheckpointFormat) {
    return absl::FailedPreconditionError(absl::StrCat("checkpoint ", path_.string(), ": format ", format,
                                                      ", this program reads format ", kCheckpointFormat));
  }
  std::string piece(kBufferBytes, '\0');
  for (;;) {
    uint32_t length = 0;
    if (!read_at(&length, 4)) return bad("is truncated");
    if (length > kMaxNameBytes) return bad("has a broken section name");
    std::string name(length, '\0');
    uint64_t size = 0;
    if (!read_at(name.data(), length) || !read_at(&size, 8)) return bad("is truncated");
    if (size > file_size - at) return bad(absl::StrCat("is truncated in section '", name, "'"));
    sections_[name] = {at, size};
    uint32_t crc = Crc(0, name.data(), name.size());
    for (uint64_t done = 0; done < size;) {
      const uint64_t n = std::min<uint64_t>(size - done, piece.size());
      if (!read_at(piece.data(), n)) return bad(absl::StrCat("cannot be read in section '", name, "'"));
      crc = Crc(crc, piece.data(), n);
      done += n;
    }
    uint32_t stored = 0;
    if (!read_at(&stored, 4)) return bad("is truncated");
    if (stored != crc) {
      return bad(absl::StrCat("section '", name, "' fails its checksum: got ", absl::Hex(crc, absl::kZeroPad8),
                              ", expected ", absl::Hex(stored, absl::kZeroPad8)));
    }
    if (name.empty()) break;
  }
  sections_.erase("");
  return at == file_size ? absl::OkStatus() : bad("has bytes after its end");
}

std::vector<std::string> CheckpointReader::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, extent] : sections_) names.push_back(name);
  return names;
}

absl::StatusOr<uint64_t> CheckpointReader::SizeOf(absl::string_view name) const {
  const auto it = sections_.find(std::string(name));
  if (it == sections_.end()) {
    return absl::DataLossError(absl::StrCat("checkpoint ", path_.string(), ": no section '", name, "'"));
  }
  return it->second.size;
}

absl::Status CheckpointReader::ReadInto(absl::string_view name, uint64_t offset, void* bytes, uint64_t size) const {
  const auto section_size = SizeOf(name);
  if (!section_size.ok()) return section_size.status();
  if (offset > *section_size || size > *section_size - offset) {
    return absl::DataLossError(absl::StrCat("checkpoint ", path_.string(), ": section '", name, "' has ", *section_size,
                                            " bytes, expected at least ", offset + size));
  }
  const uint64_t begin = sections_.find(std::string(name))->second.offset + offset;
  for (uint64_t done = 0; done < size;) {
    const ssize_t n = pread(fd_, static_cast<char*>(bytes) + done, size - done, static_cast<off_t>(begin + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return DiskError("cannot read", path_);
    done += static_cast<uint64_t>(n);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> CheckpointReader::Read(absl::string_view name) const {
  const auto size = SizeOf(name);
  if (!size.ok()) return size.status();
  std::string bytes(*size, '\0');
  if (absl::Status status = ReadInto(name, 0, bytes.data(), *size); !status.ok()) return status;
  return bytes;
}

absl::Status SyncDirectory(const std::filesystem::path& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return DiskError("cannot open", directory);
  const int result = fsync(fd);
  const absl::Status status = result == 0 ? absl::OkStatus() : DiskError("cannot sync", directory);
  close(fd);
  return status;
}

}  // namespace polyscene
