#include "model/learning/checkpoint_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "model/checksum/crc32c.h"

namespace polyscene {
namespace {

constexpr char kMagic[8] = {'P', 'L', 'Y', 'S', 'C', 'K', 'P', 'T'};
constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr uint32_t kMaxNameBytes = 4096;

// The system writes out as the file grows: one sync of a gigabyte at the end would hold up everybody else's.
constexpr uint64_t kWriteOutBytes = uint64_t{8} << 20;

constexpr uint32_t FormatWord(uint32_t version) { return version | ~version << 16; }

}  // namespace

absl::Status CheckpointDiskError(absl::string_view what, const std::filesystem::path& path) {
  const int error = errno;
  const std::string message = absl::StrCat("cannot ", what, " ", path.string(), ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(message);
  if (error == EACCES || error == EPERM || error == EROFS) return absl::PermissionDeniedError(message);
  if (error == ENOENT) return absl::NotFoundError(message);
  return absl::InternalError(message);
}

CheckpointWriter::CheckpointWriter(std::filesystem::path path, uint32_t format) : path_(std::move(path)) {
  fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    status_ = CheckpointDiskError("create", path_);
    return;
  }
  Raw(kMagic, sizeof(kMagic));
  const uint32_t word = FormatWord(format);
  Raw(&word, sizeof(word));
}

CheckpointWriter::~CheckpointWriter() {
  if (fd_ >= 0) close(fd_);
}

void CheckpointWriter::Raw(const void* bytes, uint64_t size) {
  if (!status_.ok()) return;
  bytes_ += size;
  buffer_.append(static_cast<const char*>(bytes), size);
  if (buffer_.size() >= kBufferBytes) Flush();
}

void CheckpointWriter::Flush() {
  for (size_t done = 0; done < buffer_.size();) {
    const ssize_t n = write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      status_ = CheckpointDiskError("write", path_);
      return;
    }
    done += static_cast<size_t>(n);
  }
  buffer_.clear();
#if defined(__linux__)
  if (bytes_ - handed_over_ >= kWriteOutBytes) {
    sync_file_range(fd_, static_cast<off_t>(handed_over_), static_cast<off_t>(bytes_ - handed_over_),
                    SYNC_FILE_RANGE_WRITE);  // A hint: Sync() is what counts.
    handed_over_ = bytes_;
  }
#endif
}

void CheckpointWriter::Begin(absl::string_view name, uint64_t size) {
  const uint32_t length = static_cast<uint32_t>(name.size());
  Raw(&length, sizeof(length));
  Raw(name.data(), name.size());
  Raw(&size, sizeof(size));
  crc_ = Crc32c(0, name.data(), name.size());
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
  crc_ = Crc32c(crc_, bytes, size);
  if (size > left_ && status_.ok()) {
    status_ = absl::InternalError(absl::StrCat("section over by ", size - left_, " bytes"));
  }
  left_ -= std::min(left_, size);
}

void CheckpointWriter::End() {
  if (left_ != 0 && status_.ok()) status_ = absl::InternalError(absl::StrCat("section short by ", left_, " bytes"));
  Raw(&crc_, sizeof(crc_));
  checksum_ = Crc32c(checksum_, &crc_, sizeof(crc_));
}

void CheckpointWriter::Section(absl::string_view name, absl::string_view bytes) {
  Begin(name, bytes.size());
  Write(bytes.data(), bytes.size());
  End();
}

absl::Status CheckpointWriter::Close() {
  Section("", "");
  if (status_.ok()) Flush();
  return status_;
}

absl::Status CheckpointWriter::Sync() {
  if (!status_.ok()) return status_;
  if (fsync(fd_) != 0) return status_ = CheckpointDiskError("sync", path_);
  // So that what is read back to verify it comes from the disk and not from memory.
  posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SectionStream>> SectionStream::Open(std::filesystem::path path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return absl::NotFoundError(absl::StrCat("no checkpoint at ", path.string()));
    return CheckpointDiskError("open", path);
  }
  std::unique_ptr<SectionStream> stream(new SectionStream(std::move(path), fd));
  if (absl::Status status = stream->Begin(); !status.ok()) return status;
  return stream;
}

SectionStream::~SectionStream() { close(fd_); }

absl::Status SectionStream::Bad(absl::string_view what) const {
  return absl::DataLossError(absl::StrCat("checkpoint ", path_.string(), ": ", what));
}

bool SectionStream::Read(void* bytes, uint64_t size) {
  if (size > file_bytes_ - at_) return false;
  for (uint64_t done = 0; done < size;) {
    const ssize_t n = pread(fd_, static_cast<char*>(bytes) + done, size - done, static_cast<off_t>(at_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<uint64_t>(n);
  }
  at_ += size;
  return true;
}

uint32_t SectionStream::SectionChecksum(uint32_t crc, const void* bytes, uint64_t size) const {
  if (format_ >= 2) return Crc32c(crc, bytes, size);
  if (size == 0) return crc;  // zlib takes a null pointer, as an empty vector has, for the start of a new checksum.
  return static_cast<uint32_t>(crc32_z(crc, static_cast<const unsigned char*>(bytes), size));
}

absl::Status SectionStream::Begin() {
  struct stat info;
  if (fstat(fd_, &info) != 0) return CheckpointDiskError("read", path_);
  file_bytes_ = static_cast<uint64_t>(info.st_size);
  posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  char magic[sizeof(kMagic)];
  uint32_t word = 0;
  if (!Read(magic, sizeof(magic)) || std::memcmp(magic, kMagic, sizeof(magic)) != 0 || !Read(&word, 4)) {
    return Bad("is not a checkpoint file");
  }
  format_ = word == 1 ? 1 : word & 0xffff;
  if (format_ == 0 || (format_ > 1 && word != FormatWord(format_)) || (format_ == 1 && word != 1)) {
    return Bad("is not a checkpoint file, or its first bytes are damaged");
  }
  if (format_ > kNewestCheckpointFormat) {
    return absl::FailedPreconditionError(absl::StrCat("checkpoint ", path_.string(), ": format ", format_,
                                                      ", this program reads formats 1 to ", kNewestCheckpointFormat));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> SectionStream::Next(Section& section, std::string* bytes) {
  uint32_t length = 0;
  if (!Read(&length, 4)) return Bad("is truncated");
  if (length > kMaxNameBytes) return Bad("has a broken section name");
  section.name.assign(length, '\0');
  if (!Read(section.name.data(), length) || !Read(&section.size, 8)) return Bad("is truncated");
  section.offset = at_;
  if (section.size > file_bytes_ - at_) return Bad(absl::StrCat("is truncated in section '", section.name, "'"));
  uint32_t crc = SectionChecksum(0, section.name.data(), length);
  std::string& into = bytes != nullptr ? *bytes : piece_;
  into.resize(bytes != nullptr ? section.size : std::min<uint64_t>(section.size, kBufferBytes));
  for (uint64_t done = 0; done < section.size;) {
    const uint64_t n = std::min<uint64_t>(section.size - done, kBufferBytes);
    char* piece = into.data() + (bytes != nullptr ? done : 0);
    if (!Read(piece, n)) return Bad(absl::StrCat("cannot be read in section '", section.name, "'"));
    crc = SectionChecksum(crc, piece, n);
    done += n;
  }
  if (!Read(&section.checksum, 4)) return Bad("is truncated");
  if (section.checksum != crc) {
    return Bad(absl::StrCat("section '", section.name, "' fails its checksum: got ", absl::Hex(crc, absl::kZeroPad8),
                            ", expected ", absl::Hex(section.checksum, absl::kZeroPad8)));
  }
  checksum_ = Crc32c(checksum_, &crc, sizeof(crc));
  if (!section.name.empty()) return true;
  if (at_ != file_bytes_) return Bad("has bytes after its end");
  return false;
}

absl::StatusOr<std::unique_ptr<CheckpointReader>> CheckpointReader::Open(std::filesystem::path path) {
  auto stream = SectionStream::Open(path);
  if (!stream.ok()) return stream.status();
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return CheckpointDiskError("open", path);
  std::unique_ptr<CheckpointReader> reader(new CheckpointReader(std::move(path), fd));
  for (SectionStream::Section section;;) {
    const absl::StatusOr<bool> more = (*stream)->Next(section, nullptr);
    if (!more.ok()) return more.status();
    if (!*more) break;
    reader->sections_[section.name] = section;
  }
  reader->format_ = (*stream)->format();
  reader->file_bytes_ = (*stream)->file_bytes();
  reader->checksum_ = (*stream)->checksum();
  return reader;
}

CheckpointReader::~CheckpointReader() { close(fd_); }

std::vector<SectionStream::Section> CheckpointReader::Sections() const {
  std::vector<SectionStream::Section> sections;
  for (const auto& [name, section] : sections_) sections.push_back(section);
  return sections;
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
    if (n <= 0) return CheckpointDiskError("read", path_);
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
  if (fd < 0) return CheckpointDiskError("open", directory);
  const int result = fsync(fd);
  const absl::Status status = result == 0 ? absl::OkStatus() : CheckpointDiskError("sync", directory);
  close(fd);
  return status;
}

}  // namespace polyscene
