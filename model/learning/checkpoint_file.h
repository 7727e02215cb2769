// A file of a checkpoint: named sections of bytes, each with its checksum.
//
//   8 bytes "PLYSCKPT", u32 format, then sections, then a section with an empty name.
//   Format: the version in the lower 16 bits and its complement in the upper ones, so that no flipped bit makes another
//   version of it; format 1 has the plain number.
//   A section: u32 length of its name, name, u64 size, bytes, u32 checksum of name and bytes: CRC-32C, in format 1 the
//   CRC-32 of zlib.
// A file's own checksum, which tells it from others, is the CRC-32C of its sections' checksums, one after the other.
// (That of its bytes would be the same for all files of one layout: a CRC over bytes and their own CRC is a constant.)
// Integers and floats are little-endian. Format 2 is written, and 3 where a file has what programs of format 2 do not
// know; 1 to 3 are read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyscene {

inline constexpr uint32_t kCheckpointFormat = 2;
inline constexpr uint32_t kNewestCheckpointFormat = 3;

// Writes one file, section after section. The first error sticks and Close() returns it. Not thread-safe.
class CheckpointWriter {
 public:
  explicit CheckpointWriter(std::filesystem::path path, uint32_t format = kCheckpointFormat);
  ~CheckpointWriter();

  void Section(absl::string_view name, absl::string_view bytes);

  // A section in pieces: `size` bytes in all must follow.
  void Begin(absl::string_view name, uint64_t size);
  void Write(const void* bytes, uint64_t size);
  void End();

  // Ends the file; Sync() then makes it durable. kResourceExhausted: the disk is full; kInternal: another error of the
  // disk. Both name the path.
  absl::Status Close();
  absl::Status Sync();

  uint64_t bytes() const { return bytes_; }        // Of the file so far.
  uint32_t checksum() const { return checksum_; }  // Of the file, see above.

 private:
  void Raw(const void* bytes, uint64_t size);
  void Flush();

  const std::filesystem::path path_;
  int fd_ = -1;
  std::string buffer_;
  uint64_t bytes_ = 0;
  uint64_t handed_over_ = 0;  // Bytes that the system was asked to write out already.
  uint32_t checksum_ = 0;
  uint32_t crc_ = 0;   // Of the open section,
  uint64_t left_ = 0;  // which still expects so many bytes.
  absl::Status status_;
};

// Reads a file once, from its start, and checks each section before it hands it out. Not thread-safe.
class SectionStream {
 public:
  //   kNotFound            no such file
  //   kDataLoss            not a checkpoint file; names the path, as all errors do
  //   kFailedPrecondition  of a newer format
  static absl::StatusOr<std::unique_ptr<SectionStream>> Open(std::filesystem::path path);
  ~SectionStream();

  struct Section {
    std::string name;
    uint64_t offset = 0;  // Of its first byte within the file.
    uint64_t size = 0;
    uint32_t checksum = 0;
  };
  // The next section, or false behind the last one, which must end the file.  kDataLoss: truncated, or a checksum
  // differs; names the section. `bytes`: filled with the section's; null only checks them.
  absl::StatusOr<bool> Next(Section& section, std::string* bytes);

  uint32_t format() const { return format_; }
  uint64_t file_bytes() const { return file_bytes_; }
  uint32_t checksum() const { return checksum_; }  // Of the file, once it is read.

 private:
  SectionStream(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  absl::Status Begin();
  bool Read(void* bytes, uint64_t size);
  uint32_t SectionChecksum(uint32_t crc, const void* bytes, uint64_t size) const;
  absl::Status Bad(absl::string_view what) const;

  const std::filesystem::path path_;
  const int fd_;
  uint32_t format_ = 0;
  uint64_t file_bytes_ = 0;
  uint64_t at_ = 0;
  uint32_t checksum_ = 0;
  std::string piece_;
};

// Reads sections in any order, from a file whose every checksum was verified when it was opened. Not thread-safe.
class CheckpointReader {
 public:
  // Errors as SectionStream's.
  static absl::StatusOr<std::unique_ptr<CheckpointReader>> Open(std::filesystem::path path);
  ~CheckpointReader();

  uint32_t format() const { return format_; }
  uint64_t file_bytes() const { return file_bytes_; }
  uint32_t checksum() const { return checksum_; }
  const std::filesystem::path& path() const { return path_; }

  bool Has(absl::string_view name) const { return sections_.count(std::string(name)) > 0; }
  std::vector<SectionStream::Section> Sections() const;  // By name.

  // kDataLoss: no such section, or it is not as large as it must be.
  absl::StatusOr<std::string> Read(absl::string_view name) const;
  absl::StatusOr<uint64_t> SizeOf(absl::string_view name) const;
  absl::Status ReadInto(absl::string_view name, uint64_t offset, void* bytes, uint64_t size) const;

 private:
  CheckpointReader(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}

  const std::filesystem::path path_;
  const int fd_;
  uint32_t format_ = 0;
  uint64_t file_bytes_ = 0;
  uint32_t checksum_ = 0;
  std::map<std::string, SectionStream::Section> sections_;
};

// Makes the names in a directory durable.
absl::Status SyncDirectory(const std::filesystem::path& directory);

// An error of the disk as it stands in errno: kResourceExhausted where it is full, kPermissionDenied, kNotFound, else
// kInternal.
absl::Status CheckpointDiskError(absl::string_view what, const std::filesystem::path& path);

}  // namespace polyscene
