#include "model/data/line_buffer.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr size_t kBufferBytes = 256 << 10;
constexpr size_t kMaxPeekBytes = 64 << 10;
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

LineBuffer::LineBuffer(std::string path, std::unique_ptr<ByteSource> source, size_t max_line_bytes)
    : path_(std::move(path)), max_line_bytes_(max_line_bytes), source_(std::move(source)), buffer_(kBufferBytes) {}

absl::StatusOr<std::unique_ptr<LineBuffer>> LineBuffer::Open(const std::string& path, size_t max_line_bytes) {
  return FromSource(path == "-" ? "standard input" : path, ByteSource::Open(path), max_line_bytes);
}

absl::StatusOr<std::unique_ptr<LineBuffer>> LineBuffer::FromText(const std::string& name, absl::string_view text,
                                                                 size_t max_line_bytes) {
  return FromSource(name, ByteSource::FromBytes(name, text), max_line_bytes);
}

absl::StatusOr<std::unique_ptr<LineBuffer>> LineBuffer::FromSource(std::string path,
                                                                   absl::StatusOr<std::unique_ptr<ByteSource>> source,
                                                                   size_t max_line_bytes) {
  if (!source.ok()) return source.status();
  std::unique_ptr<LineBuffer> lines(new LineBuffer(std::move(path), *std::move(source), max_line_bytes));
  while (lines->end_ < kByteOrderMark.size() && lines->ReadMore() == Reading::kMore) {
  }
  if (absl::string_view(lines->buffer_.data(), lines->end_).substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    lines->begin_ = kByteOrderMark.size();
  }
  return lines;
}

char LineBuffer::Peek() {
  for (size_t at = begin_;; ++at) {
    while (at == end_) {
      if (end_ - begin_ > kMaxPeekBytes) return 0;
      const size_t offset = at - begin_;
      if (ReadMore() != Reading::kMore) return 0;
      at = begin_ + offset;
    }
    if (!absl::ascii_isspace(static_cast<unsigned char>(buffer_[at]))) return buffer_[at];
  }
}

LineBuffer::Search LineBuffer::FindLineEnd(size_t from, size_t* end) {
  for (;;) {
    const char* const begin = buffer_.data() + begin_;
    const size_t size = end_ - begin_;
    const void* const found = from < size ? std::memchr(begin + from, '\n', size - from) : nullptr;
    *end = found == nullptr ? size : static_cast<size_t>(static_cast<const char*>(found) - begin);
    if (*end > max_line_bytes_) return Search::kTooLong;
    if (found != nullptr) return Search::kFound;
    switch (ReadMore()) {
      case Reading::kMore:
        break;
      case Reading::kIdle:
        return Search::kIdle;
      case Reading::kEnd:
        return Search::kFound;
    }
    from = size;
  }
}

LineBuffer::Reading LineBuffer::ReadMore() {
  if (source_ended_) return Reading::kEnd;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
  const absl::StatusOr<size_t> got = source_->Read(buffer_.data() + end_, buffer_.size() - end_);
  if (absl::IsDeadlineExceeded(got.status())) return Reading::kIdle;
  if (!got.ok()) source_status_ = got.status();
  source_ended_ = !got.ok() || *got == 0;
  if (got.ok()) end_ += *got;
  return source_ended_ ? Reading::kEnd : Reading::kMore;
}

LineBuffer::Search LineBuffer::Skip() {
  for (;;) {
    const void* const found = std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
    if (found != nullptr) {
      Consume(static_cast<size_t>(static_cast<const char*>(found) - data()));
      return Search::kFound;
    }
    begin_ = end_ = 0;
    switch (ReadMore()) {
      case Reading::kMore:
        break;
      case Reading::kIdle:
        return Search::kIdle;
      case Reading::kEnd:
        ++line_;
        return Search::kFound;
    }
  }
}

void LineBuffer::Consume(size_t end, int64_t lines) {
  begin_ += end;
  if (begin_ < end_) ++begin_;  // The line break.
  line_ += lines;
}

absl::Status LineBuffer::EndStatus() const {
  if (source_status_.ok()) return source_status_;
  return absl::Status(source_status_.code(), absl::StrCat(source_status_.message(), "; reading stopped in line ", line_,
                                                          ", every line before it was read"));
}

}  // namespace polyscene
