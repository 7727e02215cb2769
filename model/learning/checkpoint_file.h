// The file a checkpoint is kept in: named sections of bytes, each with its checksum.
//
//   8 bytes "PLYSCKPT", u32 format version, then sections, then a section with an empty name.
//   A section: u32 length of its name, name, u64 size, bytes, u32 CRC-32 (of zlib) of name and bytes.
// Integers and floats are little-endian.
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

inline constexpr uint32_t kCheckpointFormat = 1;

// Writes one file, section after section. The first error sticks and Close() returns it. Not thread-safe.
class CheckpointWriter {
 public:
  explicit CheckpointWriter(std::filesystem::path path);
  ~CheckpointWriter();

  void Section(absl::string_view name, absl::string_view bytes);

  // A section in pieces: `size` bytes in all must follow.
  void Begin(absl::string_view name, uint64_t size);
  void Write(const void* bytes, uint64_t size);
  void End();

  // Ends the file and makes it durable. kResourceExhausted: the disk is full; kInternal: another error of the disk.
  // Names the path.
  absl::Status Close();

 private:
  void Raw(const void* bytes, uint64_t size);

  const std::filesystem::path path_;
  int fd_ = -1;
  std::string buffer_;
  uint32_t crc_ = 0;
  uint64_t left_ = 0;  // Bytes the open section still expects.
  absl::Status status_;
};

// Reads a file whose every checksum was verified when it was opened. Not thread-safe.
class CheckpointReader {
 public:
  //   kNotFound            no such file
  //   kDataLoss            truncated, a checksum differs, or not a checkpoint; names path and section
  //   kFailedPrecondition  of a newer format
  static absl::StatusOr<std::unique_ptr<CheckpointReader>> Open(std::filesystem::path path);
  ~CheckpointReader();

  bool Has(absl::string_view name) const { return sections_.count(std::string(name)) > 0; }
  std::vector<std::string> Names() const;

  // kDataLoss: no such section, or it is not as large as it must be.
  absl::StatusOr<std::string> Read(absl::string_view name) const;
  absl::StatusOr<uint64_t> SizeOf(absl::string_view name) const;
  absl::Status ReadInto(absl::string_view name, uint64_t offset, void* bytes, uint64_t size) const;

 private:
  struct Extent {
    uint64_t offset;
    uint64_t size;
  };
  CheckpointReader(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  absl::Status Index();

  const std::filesystem::path path_;
  const int fd_;
  std::map<std::string, Extent> sections_;
};

// Makes the names in a directory durable.
absl::Status SyncDirectory(const std::filesystem::path& directory);

}  // namespace polyscene
