// The forgetting half of RocksEventLog: what checkpoints cover goes, oldest first, by whole segments.
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "server/eventlog/big_endian.h"
#include "server/eventlog/rocks_event_log.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

// Making room costs a flush and a compaction: not more often than this, also while nothing may go.
constexpr std::chrono::seconds kRoomInterval{1};

}  // namespace

absl::Status RocksEventLog::Retire(uint64_t covered_offset, uint64_t newest_covered) {
  MutexLock lock(&retire_mu_);
  covered_ = covered_offset;
  newest_covered_ = std::max(covered_offset, newest_covered);
  return RetireCovered();
}

absl::Status RocksEventLog::RetireCovered() {
  for (;;) {
    const DiskBudget::Use use = budget_.Look(/*anew=*/true);
    const absl::StatusOr<bool> cut = Cut(use);
    if (!cut.ok()) return cut.status();
    if (use.to_free == 0) return absl::OkStatus();
    // What went lies in memory, in its write-ahead log and in young tables, too, and a limit counts them all.
    if (*cut || !use.spent.ok()) {
      if (absl::Status status = store_->Reclaim(begin_offset()); !status.ok()) return status;
    }
    if (!*cut) {
      budget_.Look(/*anew=*/true);
      return absl::OkStatus();
    }
  }
}

uint64_t RocksEventLog::CutPoint(const DiskBudget::Use& use, uint64_t covered) const {
  const uint64_t begin_bytes = segments_.front().bytes;
  const auto too_much = [&](const Segment& first) {
    return bytes_ - first.bytes > static_cast<uint64_t>(options_.retention_bytes) ||
           first.bytes - begin_bytes < use.to_free;
  };
  auto first = segments_.begin();
  while (std::next(first) != segments_.end() && std::next(first)->offset <= covered && too_much(*first)) ++first;
  return first->offset;
}

void RocksEventLog::DeleteRows(uint64_t from, uint64_t to, rocksdb::WriteBatch* batch) const {
  for (const LogFamily family : {LogFamily::kRecords, LogFamily::kSteps, LogFamily::kSegments}) {
    batch->DeleteRange(store_->family(family), BigEndian(from), BigEndian(to));
  }
}

absl::StatusOr<bool> RocksEventLog::Cut(const DiskBudget::Use& use) {
  uint64_t begin = 0;
  uint64_t next = 0;
  {
    MutexLock lock(&mu_);
    begin = begin_offset_;
    next = CutPoint(use, covered_);
    const bool last_resort = next == begin && !use.spent.ok();
    if (last_resort) next = CutPoint(use, newest_covered_);
    if (last_resort && next > begin) {
      LogWarning(
          absl::StrCat("event log: there is no room but what older checkpoints would need: they cannot be learned "
                       "on from any more, the newest can (offset ",
                       newest_covered_, ")"));
    }
    begin_offset_ = next;  // Before the records go, so that a reader in them learns why; back where they stay.
  }
  if (next == begin) return false;
  rocksdb::WriteBatch batch;
  DeleteRows(begin, next, &batch);
  PutBegin(next, &batch);
  const absl::Status written = store_->Write(&batch, /*sync=*/true);
  {
    MutexLock lock(&mu_);
    if (!written.ok()) begin_offset_ = begin;
    while (segments_.front().offset < begin_offset_) segments_.pop_front();
  }
  if (!written.ok()) return written;
  if (absl::Status status = store_->DropFilesBefore(LogFamily::kRecords, next); !status.ok()) return status;
  return true;
}

void RocksEventLog::MakeRoomIfWanted() {
  if (budget_.Look().to_free == 0) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now < next_room_) return;
  MutexLock lock(&retire_mu_);
  if (absl::Status status = RetireCovered(); !status.ok()) {
    LogWarning(absl::StrCat("no room could be made: ", status.message()));
  }
  next_room_ = std::chrono::steady_clock::now() + kRoomInterval;
}

}  // namespace polyscene
