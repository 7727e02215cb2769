#include "model/feature/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

// The bytes are 64-bit words: this one (a format's name and its version), five for each entry, and a checksum over the
// others.
constexpr uint64_t kFormat = uint64_t{0x53544154} << 32 | 1;
constexpr size_t kEntryWords = 5;

void AppendWord(uint64_t word, std::string& bytes) {
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>(word >> shift));
}

void AppendDouble(double value, std::string& bytes) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  AppendWord(bits, bytes);
}

uint64_t WordAt(absl::string_view bytes, size_t index) {
  uint64_t word = 0;
  for (size_t i = 0; i < 8; ++i) word |= uint64_t{static_cast<uint8_t>(bytes[index * 8 + i])} << (8 * i);
  return word;
}

double DoubleAt(absl::string_view bytes, size_t index) {
  const uint64_t bits = WordAt(bytes, index);
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

uint64_t Checksum(absl::string_view bytes) {  // FNV-1a.
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

void RunningStatistics::Add(double value) {
  ++count;
  min = std::min(min, value);
  max = std::max(max, value);
  const double from_mean = value - mean;
  mean += from_mean / static_cast<double>(count);
  m2 += from_mean * (value - mean);
}

double RunningStatistics::deviation() const {
  return min < max ? std::sqrt(m2 / static_cast<double>(count)) : 0;  // Not below 0: each term of m2 is none.
}

std::string FeatureStatistics::Serialize() const {
  std::string bytes;
  bytes.reserve(8 * (2 + kEntryWords * entries.size()));
  AppendWord(kFormat, bytes);
  for (const RunningStatistics& entry : entries) {
    AppendWord(static_cast<uint64_t>(entry.count), bytes);
    AppendDouble(entry.min, bytes);
    AppendDouble(entry.max, bytes);
    AppendDouble(entry.mean, bytes);
    AppendDouble(entry.m2, bytes);
  }
  AppendWord(Checksum(bytes), bytes);
  return bytes;
}

absl::StatusOr<FeatureStatistics> FeatureStatistics::Parse(absl::string_view bytes) {
  const size_t words = bytes.size() / 8;
  if (bytes.size() % 8 != 0 || words < 2 || (words - 2) % kEntryWords != 0) {
    return absl::DataLossError(absl::StrCat("feature statistics: ", bytes.size(), " bytes, expected ", 16, " and ",
                                            8 * kEntryWords, " an entry"));
  }
  if (WordAt(bytes, words - 1) != Checksum(bytes.substr(0, 8 * (words - 1)))) {
    return absl::DataLossError("feature statistics: the checksum does not match, so they were cut or changed");
  }
  if (WordAt(bytes, 0) != kFormat) {
    return absl::DataLossError(
        absl::StrCat("feature statistics: format ", absl::Hex(WordAt(bytes, 0)), ", expected ", absl::Hex(kFormat)));
  }
  FeatureStatistics statistics(static_cast<int>((words - 2) / kEntryWords));
  size_t word = 1;
  for (RunningStatistics& entry : statistics.entries) {
    entry.count = static_cast<int64_t>(WordAt(bytes, word));
    entry.min = DoubleAt(bytes, word + 1);
    entry.max = DoubleAt(bytes, word + 2);
    entry.mean = DoubleAt(bytes, word + 3);
    entry.m2 = DoubleAt(bytes, word + 4);
    word += kEntryWords;
  }
  return statistics;
}

}  // namespace polyscene
