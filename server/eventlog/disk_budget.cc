#include "server/eventlog/disk_budget.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

// Files come and go meanwhile: what is gone holds nothing.
uint64_t BytesOf(const fs::path& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code gone;
    if (!entry->is_regular_file(gone) || gone) continue;
    const uintmax_t size = entry->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace

DiskBudget::Use DiskBudget::Look(bool anew) {
  MutexLock lock(&mu_);
  // A clock that was set back must not keep an old look.
  const absl::Time now = absl::Now();
  if (anew || now < looked_at_ || now >= looked_at_ + options_.refresh) {
    looked_at_ = now;
    used_ = BytesOf(options_.directory);
    // A disk that does not tell refuses nobody: its own errors will.
    if (options_.reserve_bytes == 0 || !options_.free_bytes(&free_).ok()) free_ = ~uint64_t{0};
  }
  return Judge();
}

void DiskBudget::Added(uint64_t bytes) {
  MutexLock lock(&mu_);
  used_ += bytes;
  if (free_ != ~uint64_t{0}) free_ -= std::min(free_, bytes);
}

DiskBudget::Use DiskBudget::Judge() const {
  Use use;
  use.bytes = used_;
  const uint64_t limit = options_.max_bytes;
  const uint64_t reserve = options_.reserve_bytes;
  if (limit > 0 && used_ >= limit - limit / 8) use.to_free = used_ - (limit - limit / 4);
  if (free_ < reserve + reserve / 8) use.to_free = std::max(use.to_free, reserve + reserve / 4 - free_);
  if (limit > 0 && used_ >= limit) {
    use.spent = absl::ResourceExhaustedError(
        absl::StrCat("event log: its budget is spent: it uses ", used_, " bytes, log_max_bytes is ", limit,
                     "; the next checkpoints let go of what they cover, then events are taken again"));
  } else if (free_ < reserve) {
    use.spent = absl::ResourceExhaustedError(absl::StrCat(
        "event log: its disk is nearly full: ", free_, " bytes are free, disk_reserve_bytes keeps ", reserve,
        " for checkpoints; events are taken again once there is space on the disk of ", options_.directory.string()));
  }
  return use;
}

}  // namespace polyscene
