#include "model/data/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace polyscene {
namespace {

constexpr size_t kInputBytes = 256 << 10;  // Few system calls, and still inside the second cache.

absl::Status FileError(const std::string& path, int error) {
  const std::string message = absl::StrCat(path, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace

struct ByteSource::Inflater {
  Inflater() { ready = inflateInit2(&stream, 15 + 16) == Z_OK; }  // 15: the largest window; + 16: gzip framing alone.
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  z_stream stream = {};
  bool ready = false;
  bool between_members = false;  // A member ended; another may follow.
};

ByteSource::ByteSource(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor), input_(new char[kInputBytes]) {}

ByteSource::~ByteSource() {
  if (descriptor_ > STDIN_FILENO) close(descriptor_);
}

absl::StatusOr<std::unique_ptr<ByteSource>> ByteSource::Open(const std::string& path) {
  const int descriptor = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return FileError(path, errno);
  std::unique_ptr<ByteSource> source(new ByteSource(path == "-" ? "standard input" : path, descriptor));
  struct stat info = {};
  if (fstat(descriptor, &info) != 0) return FileError(path, errno);
  if (S_ISDIR(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder, expected a file"));
  source->is_file_ = S_ISREG(info.st_mode);
  if (source->is_file_) source->file_bytes_ = info.st_size;

  // A pipe may give one byte at a time; two are needed to tell gzip.
  if (absl::Status status = source->Fill(2); !status.ok()) return status;
  if (absl::Status status = source->StartInflating(); !status.ok()) return status;
  return source;
}

absl::StatusOr<std::unique_ptr<ByteSource>> ByteSource::FromBytes(std::string name, absl::string_view bytes) {
  std::unique_ptr<ByteSource> source(new ByteSource(std::move(name), -1));
  source->input_.reset(new char[std::max<size_t>(bytes.size(), 1)]);
  std::copy(bytes.begin(), bytes.end(), source->input_.get());
  source->input_end_ = bytes.size();
  source->file_bytes_ = source->file_bytes_read_ = static_cast<int64_t>(bytes.size());
  source->at_end_ = true;
  if (absl::Status status = source->StartInflating(); !status.ok()) return status;
  return source;
}

absl::Status ByteSource::StartInflating() {
  const unsigned char* const start = reinterpret_cast<const unsigned char*>(input_.get());
  if (input_end_ < 2 || start[0] != 0x1f || start[1] != 0x8b) return absl::OkStatus();
  inflater_ = std::make_unique<Inflater>();
  if (!inflater_->ready) return absl::ResourceExhaustedError(absl::StrCat(path_, ": no memory to inflate it"));
  return absl::OkStatus();
}

absl::Status ByteSource::Fill(size_t at_least) {
  input_begin_ = input_end_ = 0;
  while (input_end_ < at_least && !at_end_) {
    if (!is_file_ && deadline_ != absl::InfiniteFuture()) {
      if (absl::Status status = WaitForPipe(); !status.ok()) return status;
    }
    const ssize_t got = read(descriptor_, input_.get() + input_end_, kInputBytes - input_end_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(path_, errno);
    if (got == 0) at_end_ = true;
    input_end_ += static_cast<size_t>(got);
    file_bytes_read_ += got;
  }
  return absl::OkStatus();
}

absl::Status ByteSource::WaitForPipe() const {
  const absl::Duration left = std::clamp(deadline_ - absl::Now(), absl::ZeroDuration(), absl::Hours(1));
  pollfd waited = {.fd = descriptor_, .events = POLLIN};
  // Rounded up: a wait that ends before the deadline would only be repeated.
  const int timeout = static_cast<int>(absl::ToInt64Milliseconds(left + absl::Microseconds(999)));
  if (poll(&waited, 1, timeout) > 0) return absl::OkStatus();  // Also where it is closed, or broken: read() tells.
  return absl::DeadlineExceededError(absl::StrCat(path_, ": nothing came"));
}

absl::StatusOr<size_t> ByteSource::Read(char* to, size_t size) {
  if (!error_.ok()) return error_;
  if (inflater_ != nullptr) {
    absl::StatusOr<size_t> got = Inflate(to, size);
    if (!got.ok() && !absl::IsDeadlineExceeded(got.status())) error_ = got.status();
    return got;
  }
  if (input_begin_ == input_end_) {
    if (absl::Status status = Fill(1); !status.ok()) {
      if (!absl::IsDeadlineExceeded(status)) error_ = status;
      return status;
    }
  }
  const size_t count = std::min(size, input_end_ - input_begin_);
  std::memcpy(to, input_.get() + input_begin_, count);
  input_begin_ += count;
  return count;
}

absl::StatusOr<size_t> ByteSource::Inflate(char* to, size_t size) {
  z_stream& stream = inflater_->stream;
  stream.next_out = reinterpret_cast<Bytef*>(to);
  stream.avail_out = static_cast<uInt>(std::min<size_t>(size, 1 << 30));
  const auto written = [&] { return static_cast<size_t>(reinterpret_cast<char*>(stream.next_out) - to); };

  while (stream.avail_out > 0) {
    if (input_begin_ == input_end_) {
      if (!is_file_ && written() > 0) break;  // What a pipe has given is not kept back until it gives more.
      const absl::Status status = Fill(1);
      if (absl::IsDeadlineExceeded(status)) return status;
      if (!status.ok()) error_ = status;
      if (error_.ok() && at_end_ && input_end_ == 0 && !inflater_->between_members) {
        error_ = absl::DataLossError(absl::StrCat(path_, ": the gzip data ends too early (the file was cut off after ",
                                                  file_bytes_read_, " bytes)"));
      }
      if (input_end_ == 0) break;
    }
    if (inflater_->between_members) {
      inflateReset(&stream);
      inflater_->between_members = false;
    }
    stream.next_in = reinterpret_cast<Bytef*>(input_.get() + input_begin_);
    stream.avail_in = static_cast<uInt>(input_end_ - input_begin_);
    const int result = inflate(&stream, Z_NO_FLUSH);
    input_begin_ = input_end_ - stream.avail_in;
    if (result == Z_STREAM_END) {
      inflater_->between_members = true;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      error_ = absl::DataLossError(absl::StrCat(path_, ": the gzip data is damaged before byte ",
                                                file_bytes_read_ - static_cast<int64_t>(stream.avail_in), ": ",
                                                stream.msg == nullptr ? "cannot be inflated" : stream.msg));
      break;
    }
  }
  if (written() == 0 && !error_.ok()) return error_;
  return written();  // An error found behind these bytes is returned by the next call.
}

}  // namespace polyscene
