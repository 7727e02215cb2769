#include "server/joiner/deadlines.h"

#include "absl/strings/str_cat.h"
#include "server/eventlog/big_endian.h"

namespace polyscene {
namespace {

constexpr uint64_t kSign = uint64_t{1} << 63;  // Flipped, negative times sort before positive ones.

std::string Sortable(int64_t micros) { return BigEndian(static_cast<uint64_t>(micros) ^ kSign); }

int64_t FromSortable(uint64_t bits) { return static_cast<int64_t>(bits ^ kSign); }

}  // namespace

std::string DeadlineKey(DeadlineKind kind, int64_t at_micros, absl::string_view request_id) {
  std::string key(1, static_cast<char>(kind));
  absl::StrAppend(&key, Sortable(at_micros), request_id);
  return key;
}

std::optional<Deadline> ParseDeadlineKey(absl::string_view key) {
  const std::optional<uint64_t> at = FromBigEndian(key, 1);
  if (!at.has_value()) return std::nullopt;
  for (const DeadlineKind kind : kDeadlineKinds) {
    if (key[0] == static_cast<char>(kind)) return Deadline{kind, FromSortable(*at), std::string(key.substr(9))};
  }
  return std::nullopt;
}

std::string DueRequestValue(const DueRequest& due) {
  std::string value(1, due.last ? '\1' : '\0');
  absl::StrAppend(&value, Sortable(due.event_time_micros), BigEndian(due.stored_bytes), due.scene);
  return value;
}

std::optional<DueRequest> ParseDueRequest(absl::string_view value) {
  const std::optional<uint64_t> time = FromBigEndian(value, 1);
  const std::optional<uint64_t> bytes = FromBigEndian(value, 9);
  if (!time.has_value() || !bytes.has_value()) return std::nullopt;
  return DueRequest{value[0] != '\0', FromSortable(*time), *bytes, std::string(value.substr(17))};
}

}  // namespace polyscene
