#include "model/embedding/waiting_ids.h"

#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr uint32_t kMostSeen = 255;
constexpr size_t kEntryBytes = sizeof(uint64_t) + 1;

void AppendCounts(const absl::flat_hash_map<uint64_t, uint8_t>& counts, std::string& bytes) {
  std::vector<std::pair<uint64_t, uint8_t>> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end());
  const uint64_t size = sorted.size();
  bytes.append(reinterpret_cast<const char*>(&size), sizeof(size));
  for (const auto& [id, count] : sorted) {
    bytes.append(reinterpret_cast<const char*>(&id), sizeof(id));
    bytes.push_back(static_cast<char>(count));
  }
}

bool TakeCounts(absl::string_view& bytes, absl::flat_hash_map<uint64_t, uint8_t>& counts) {
  uint64_t size = 0;
  if (bytes.size() < sizeof(size)) return false;
  std::memcpy(&size, bytes.data(), sizeof(size));
  bytes.remove_prefix(sizeof(size));
  if (size > bytes.size() / kEntryBytes) return false;
  counts.clear();
  counts.reserve(size);
  for (uint64_t i = 0; i < size; ++i, bytes.remove_prefix(kEntryBytes)) {
    uint64_t id = 0;
    std::memcpy(&id, bytes.data(), sizeof(id));
    counts[id] = static_cast<uint8_t>(bytes[sizeof(id)]);
  }
  return true;
}

}  // namespace

uint32_t WaitingIds::SeenOf(uint64_t id) const {
  if (const auto it = lately_.find(id); it != lately_.end()) return it->second;
  const auto it = before_.find(id);
  return it == before_.end() ? 0 : it->second;
}

uint32_t WaitingIds::See(uint64_t id, uint64_t times) {
  const uint64_t seen = std::min<uint64_t>(kMostSeen, SeenOf(id) + times);
  before_.erase(id);
  lately_[id] = static_cast<uint8_t>(seen);
  if (lately_.size() >= generation_ids_) {
    before_ = std::move(lately_);
    lately_ = Counts();
  }
  return static_cast<uint32_t>(seen);
}

void WaitingIds::Forget(uint64_t id) {
  lately_.erase(id);
  before_.erase(id);
}

uint64_t WaitingIds::memory_bytes() const {
  constexpr uint64_t kSlotBytes = sizeof(Counts::value_type) + 1;
  return (lately_.capacity() + before_.capacity()) * kSlotBytes;
}

std::string WaitingIds::Serialize() const {
  std::string bytes;
  AppendCounts(lately_, bytes);
  AppendCounts(before_, bytes);
  return bytes;
}

absl::Status WaitingIds::Restore(absl::string_view bytes) {
  const uint64_t size = bytes.size();
  if (TakeCounts(bytes, lately_) && TakeCounts(bytes, before_) && bytes.empty()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("counts of ids that wait for a row cannot be read from ", size, " bytes"));
}

}  // namespace polyscene
