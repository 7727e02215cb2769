#include "model/report/event_file.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/checksum/crc32c.h"
#include "model/report/event.pb.h"

namespace polyscene {
namespace {

// A checksum of bytes that hold checksums themselves says little, so the format stores it changed.
uint32_t MaskedCrc(absl::string_view bytes) {
  const uint32_t crc = Crc32c(0, bytes.data(), bytes.size());
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

std::string LittleEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

tensorboard::Event NewEvent(int64_t step) {
  tensorboard::Event event;
  event.set_wall_time(absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()));
  event.set_step(step);
  return event;
}

// Upper ends of all buckets, ascending; every float is below the last.
const std::vector<double>& BucketLimits() {
  static const std::vector<double> all = [] {
    std::vector<double> positive;
    for (double limit = 1e-12; limit < 1e39; limit *= 1.1) positive.push_back(limit);
    std::vector<double> limits;
    for (auto limit = positive.rbegin(); limit != positive.rend(); ++limit) limits.push_back(-*limit);
    limits.insert(limits.end(), positive.begin(), positive.end());
    return limits;
  }();
  return all;
}

void FillHistogram(absl::Span<const float> values, tensorboard::Histogram& histogram) {
  const std::vector<double>& limits = BucketLimits();
  std::vector<int64_t> counts(limits.size());
  double low = 0, high = 0, num = 0, sum = 0, squares = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = num == 0 ? value : std::min(low, value);
    high = num == 0 ? value : std::max(high, value);
    num += 1;
    sum += value;
    squares += value * value;
    ++counts[std::upper_bound(limits.begin(), limits.end(), value) - limits.begin()];
  }
  histogram.set_min(low);
  histogram.set_max(high);
  histogram.set_num(num);
  histogram.set_sum(sum);
  histogram.set_sum_squares(squares);
  for (size_t i = 0; i < counts.size(); ++i) {
    // Of empty buckets only those that say where a filled one begins.
    if (counts[i] == 0 && (i + 1 == counts.size() || counts[i + 1] == 0)) continue;
    histogram.add_bucket_limit(limits[i]);
    histogram.add_bucket(static_cast<double>(counts[i]));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventFile>> EventFile::Create(const std::filesystem::path& directory) {
  static std::atomic<int> number{0};
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot create ", directory.string()));
  std::unique_ptr<EventFile> file(
      new EventFile(directory / absl::StrCat("events.out.tfevents.", absl::ToUnixSeconds(absl::Now()), ".", getpid(),
                                             ".", number++)));
  tensorboard::Event event = NewEvent(0);
  event.set_file_version("brain.Event:2");
  errno = 0;
  file->AddRecord(event.SerializeAsString());
  if (absl::Status status = file->Flush(); !status.ok()) return status;
  return file;
}

EventFile::EventFile(std::filesystem::path path) : path_(std::move(path)), file_(path_, std::ios::binary) {}

void EventFile::AddScalar(absl::string_view tag, double value, int64_t step) {
  if (!std::isfinite(value)) return;
  tensorboard::Event event = NewEvent(step);
  tensorboard::Summary::Value& summary = *event.mutable_summary()->add_value();
  summary.set_tag(std::string(tag));
  summary.set_simple_value(static_cast<float>(value));
  AddRecord(event.SerializeAsString());
}

void EventFile::AddHistogram(absl::string_view tag, absl::Span<const float> values, int64_t step) {
  tensorboard::Event event = NewEvent(step);
  tensorboard::Summary::Value& summary = *event.mutable_summary()->add_value();
  summary.set_tag(std::string(tag));
  FillHistogram(values, *summary.mutable_histo());
  if (summary.histo().num() > 0) AddRecord(event.SerializeAsString());
}

void EventFile::AddRecord(absl::string_view bytes) {
  const std::string length = LittleEndian(bytes.size(), 8);
  file_ << length << LittleEndian(MaskedCrc(length), 4);
  file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file_ << LittleEndian(MaskedCrc(bytes), 4);
}

absl::Status EventFile::Flush() {
  if (file_.flush()) return absl::OkStatus();
  return absl::ErrnoToStatus(errno != 0 ? errno : EIO, absl::StrCat("cannot write ", path_.string()));
}

}  // namespace polyscene
