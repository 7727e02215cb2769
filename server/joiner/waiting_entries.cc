#include "server/joiner/waiting_entries.h"

#include "absl/strings/str_cat.h"
#include "server/eventlog/big_endian.h"

namespace polyscene {
namespace {

constexpr char kEndOfId = '\xff';

}  // namespace

std::string WaitingQueueKey(absl::string_view id) { return absl::StrCat(id, absl::string_view(&kEndOfId, 1)); }

std::string WaitingQueueValue(const WaitingQueue& queue) {
  return absl::StrCat(BigEndian(queue.first), BigEndian(queue.next), BigEndian(queue.bytes));
}

std::optional<WaitingQueue> ParseWaitingQueue(absl::string_view value) {
  const std::optional<uint64_t> first = FromBigEndian(value, 0);
  const std::optional<uint64_t> next = FromBigEndian(value, 8);
  const std::optional<uint64_t> bytes = FromBigEndian(value, 16);
  if (!first.has_value() || !next.has_value() || !bytes.has_value() || *first > *next) return std::nullopt;
  return WaitingQueue{*first, *next, *bytes};
}

std::string WaitingEntryKey(absl::string_view id, uint64_t number) {
  return absl::StrCat(id, absl::string_view(&kEndOfId, 1), BigEndian(number));
}

std::string WaitingEntryValue(int64_t until_micros, const v1::WaitingRows::Entry& rows) {
  std::string value = BigEndian(static_cast<uint64_t>(until_micros));
  rows.AppendToString(&value);
  return value;
}

std::optional<WaitingEntry> ParseWaitingEntry(absl::string_view value) {
  const std::optional<uint64_t> until = FromBigEndian(value);
  WaitingEntry entry;
  if (!until.has_value()) return std::nullopt;
  if (!entry.rows.ParseFromArray(value.data() + 8, static_cast<int>(value.size() - 8))) return std::nullopt;
  entry.until_micros = static_cast<int64_t>(*until);
  entry.bytes = value.size();
  return entry;
}

std::optional<WaitingEntryName> ParseWaitingEntryKey(absl::string_view key) {
  const size_t end = key.find(kEndOfId);
  if (end == absl::string_view::npos || key.size() != end + 9) return std::nullopt;
  return WaitingEntryName{std::string(key.substr(0, end)), *FromBigEndian(key, end + 1)};
}

}  // namespace polyscene
