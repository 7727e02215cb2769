#include "model/data/npz_writer.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace polyscene {
namespace {

constexpr size_t kBufferBytes = 1 << 20;
constexpr uint32_t kIn64 = 0xffffffff;      // A 32-bit field whose value stands in the zip64 extra field.
constexpr uint16_t kPlainVersion = 20;      // Of the format that a reader needs.
constexpr uint16_t kZip64Version = 45;      // Likewise.
constexpr uint16_t kDate = 1 << 5 | 1;      // 1980-01-01: equal weights make equal files.
constexpr uint64_t kCrcInLocalHeader = 14;  // Where it stands.

// Appends fields of a zip record, little-endian.
class Record {
 public:
  Record& U16(uint64_t value) { return Append(value, 2); }
  Record& U32(uint64_t value) { return Append(value, 4); }
  Record& U64(uint64_t value) { return Append(value, 8); }
  Record& Text(absl::string_view text) {
    bytes_.append(text.data(), text.size());
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& Append(uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes_.push_back(static_cast<char>(value >> (8 * i)));
    return *this;
  }
  std::string bytes_;
};

struct TypeInfo {
  const char* descr;
  uint64_t bytes;
};

TypeInfo InfoOf(NpyType type) {
  switch (type) {
    case NpyType::kFloat32:
      return {"<f4", 4};
    case NpyType::kFloat64:
      return {"<f8", 8};
    case NpyType::kInt64:
      return {"<i8", 8};
    case NpyType::kUint8:
      break;
  }
  return {"|u1", 1};
}

// The .npy format, version 1.0: its elements begin at a multiple of 64.
std::string NpyHeader(NpyType type, absl::Span<const int64_t> shape) {
  std::string text = absl::StrCat("{'descr': '", InfoOf(type).descr, "', 'fortran_order': False, 'shape': (",
                                  absl::StrJoin(shape, ", "), shape.size() == 1 ? "," : "", "), }");
  constexpr size_t kBefore = 10;  // Magic, version and length.
  text.append(63 - (kBefore + text.size()) % 64, ' ');
  text += '\n';
  return Record().Text("\x93NUMPY").Text(absl::string_view("\x01\x00", 2)).U16(text.size()).Text(text).bytes();
}

}  // namespace

NpzWriter::NpzWriter(std::filesystem::path path, NpzOptions options)
    : path_(std::move(path)), temporary_(path_.string() + ".writing"), options_(options) {
  fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) Fail("create");
}

NpzWriter::~NpzWriter() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(temporary_.c_str());
}

void NpzWriter::Array(absl::string_view name, NpyType type, absl::Span<const int64_t> shape, const void* bytes) {
  Begin(name, type, shape);
  Write(bytes, left_);
  End();
}

void NpzWriter::Begin(absl::string_view name, NpyType type, absl::Span<const int64_t> shape) {
  const std::string header = NpyHeader(type, shape);
  left_ = InfoOf(type).bytes;
  for (const int64_t extent : shape) left_ *= static_cast<uint64_t>(extent);
  Entry& entry = entries_.emplace_back();
  entry.name = absl::StrCat(name, ".npy");
  entry.offset = offset_;
  entry.size = header.size() + left_;
  const bool large = Large(entry.size);
  Record extra;
  if (large) extra.U16(1).U16(16).U64(entry.size).U64(entry.size);
  const uint64_t size = large ? kIn64 : entry.size;
  Record local;
  local.U32(0x04034b50).U16(large ? kZip64Version : kPlainVersion).U16(0).U16(0).U16(0).U16(kDate);
  local.U32(0).U32(size).U32(size).U16(entry.name.size()).U16(extra.bytes().size());
  local.Text(entry.name).Text(extra.bytes());
  Raw(local.bytes());
  const uint64_t elements = left_;
  left_ += header.size();
  Write(header.data(), header.size());
  left_ = elements;
}

void NpzWriter::Write(const void* bytes, uint64_t size) {
  if (size > left_ && status_.ok()) {
    status_ = absl::InternalError(absl::StrCat(path_.string(), ": array '", entries_.back().name, "' got ", size,
                                               " bytes, expected at most ", left_));
  }
  if (!status_.ok() || size == 0) return;  // zlib takes a null pointer for the start of a new checksum.
  left_ -= size;
  entries_.back().crc = static_cast<uint32_t>(crc32_z(entries_.back().crc, static_cast<const Bytef*>(bytes), size));
  Raw(absl::string_view(static_cast<const char*>(bytes), size));
}

void NpzWriter::End() {
  if (left_ > 0 && status_.ok()) {
    status_ = absl::InternalError(
        absl::StrCat(path_.string(), ": array '", entries_.back().name, "' lacks ", left_, " bytes"));
  }
  Flush();
  if (!status_.ok()) return;
  const Entry& entry = entries_.back();
  const std::string crc = Record().U32(entry.crc).bytes();
  const off_t place = static_cast<off_t>(entry.offset + kCrcInLocalHeader);
  if (pwrite(fd_, crc.data(), crc.size(), place) != static_cast<ssize_t>(crc.size())) Fail("write");
}

void NpzWriter::WriteDirectory() {
  const uint64_t begin = offset_;
  bool any_large = entries_.size() >= 0xffff || Large(begin);
  for (const Entry& entry : entries_) {
    Record extra64;
    if (Large(entry.size)) extra64.U64(entry.size).U64(entry.size);
    if (Large(entry.offset)) extra64.U64(entry.offset);
    Record extra;
    if (!extra64.bytes().empty()) extra.U16(1).U16(extra64.bytes().size()).Text(extra64.bytes());
    any_large = any_large || !extra.bytes().empty();
    const uint16_t version = extra.bytes().empty() ? kPlainVersion : kZip64Version;
    const uint64_t size = Large(entry.size) ? kIn64 : entry.size;
    Record central;
    central.U32(0x02014b50).U16(version).U16(version).U16(0).U16(0).U16(0).U16(kDate);
    central.U32(entry.crc).U32(size).U32(size).U16(entry.name.size()).U16(extra.bytes().size());
    central.U16(0).U16(0).U16(0).U32(0).U32(Large(entry.offset) ? kIn64 : entry.offset);
    central.Text(entry.name).Text(extra.bytes());
    Raw(central.bytes());
  }
  const uint64_t end = offset_;
  const uint64_t count = entries_.size();
  if (any_large) {
    Record end64;
    end64.U32(0x06064b50).U64(44).U16(kZip64Version).U16(kZip64Version).U32(0).U32(0);
    end64.U64(count).U64(count).U64(end - begin).U64(begin);
    end64.U32(0x07064b50).U32(0).U64(end).U32(1);
    Raw(end64.bytes());
  }
  Record last;
  const uint64_t short_count = any_large ? 0xffff : count;
  last.U32(0x06054b50).U16(0).U16(0).U16(short_count).U16(short_count);
  last.U32(any_large ? kIn64 : end - begin).U32(any_large ? kIn64 : begin).U16(0);
  Raw(last.bytes());
}

absl::Status NpzWriter::Close() {
  WriteDirectory();
  Flush();
  if (status_.ok() && fsync(fd_) != 0) Fail("sync");
  if (!status_.ok()) return status_;
  if (close(std::exchange(fd_, -1)) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0) {
    Fail("rename");
    unlink(temporary_.c_str());
  }
  return status_;
}

void NpzWriter::Raw(absl::string_view bytes) {
  offset_ += bytes.size();
  while (!bytes.empty() && status_.ok()) {
    const absl::string_view part = bytes.substr(0, kBufferBytes - buffer_.size());
    buffer_.append(part.data(), part.size());
    bytes.remove_prefix(part.size());
    if (buffer_.size() == kBufferBytes) Flush();
  }
}

void NpzWriter::Flush() {
  for (size_t written = 0; written < buffer_.size() && status_.ok();) {
    const ssize_t count = write(fd_, buffer_.data() + written, buffer_.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      Fail("write");
    } else {
      written += static_cast<size_t>(count);
    }
  }
  buffer_.clear();
}

void NpzWriter::Fail(absl::string_view what) {
  if (!status_.ok()) return;
  const int error = errno;
  const std::string message = absl::StrCat("cannot ", what, " ", temporary_.string(), ": ", std::strerror(error));
  status_ = error == ENOSPC || error == EDQUOT ? absl::ResourceExhaustedError(message) : absl::InternalError(message);
}

}  // namespace polyscene
