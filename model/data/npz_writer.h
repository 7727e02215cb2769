// Writes arrays as NumPy's .npz: a zip archive, stored, of one .npy file each. `numpy.load` reads it, and by it
// PyTorch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace polyscene {

enum class NpyType { kFloat32, kFloat64, kInt64, kUint8 };

struct NpzOptions {
  // Sizes and offsets from here on are written as 64-bit fields (zip64); below, plain zip, which every reader takes.
  uint64_t zip64_from = 0xffffffff;
};

// Writes `path`.writing, and renames it once everything is durable; without a successful Close() nothing is left. The
// first error sticks and Close() returns it. Memory: a buffer, however large the arrays are. Little-endian machines
// only. Not thread-safe.
class NpzWriter {
 public:
  explicit NpzWriter(std::filesystem::path path, NpzOptions options = {});
  ~NpzWriter();
  NpzWriter(const NpzWriter&) = delete;
  NpzWriter& operator=(const NpzWriter&) = delete;

  // One array: `bytes` are its elements, the last axis fastest. An empty shape is a scalar.
  void Array(absl::string_view name, NpyType type, absl::Span<const int64_t> shape, const void* bytes);

  // An array in pieces: as many bytes as the shape asks for must follow.
  void Begin(absl::string_view name, NpyType type, absl::Span<const int64_t> shape);
  void Write(const void* bytes, uint64_t size);
  void End();

  // kResourceExhausted: the disk is full; kInternal: another error of the disk. Names the path.
  absl::Status Close();

 private:
  struct Entry {
    std::string name;  // With ".npy".
    uint64_t offset = 0;
    uint64_t size = 0;
    uint32_t crc = 0;
  };

  bool Large(uint64_t value) const { return value >= options_.zip64_from; }
  void WriteDirectory();
  void Raw(absl::string_view bytes);
  void Flush();
  void Fail(absl::string_view what);

  const std::filesystem::path path_;
  const std::filesystem::path temporary_;
  const NpzOptions options_;
  int fd_ = -1;
  std::string buffer_;
  uint64_t offset_ = 0;  // Bytes given to Raw() so far.
  uint64_t left_ = 0;    // Bytes the open array still expects.
  std::vector<Entry> entries_;
  absl::Status status_;
};

}  // namespace polyscene
