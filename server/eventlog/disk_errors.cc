#include "server/eventlog/disk_errors.h"

#include "absl/strings/match.h"

namespace polyscene {
namespace {

using rocksdb::Status;

// What log::Writer::WriteBuffer() of RocksDB answers of a file to which a write has failed before.
bool OfAnEarlierError(const Status& error) { return absl::StrContains(error.ToString(), "Seen error"); }

}  // namespace

bool DiskErrors::stopped() const {
  MutexLock lock(&mu_);
  return !error_.ok();
}

Status DiskErrors::error() const {
  MutexLock lock(&mu_);
  return error_;
}

bool DiskErrors::broken() const {
  MutexLock lock(&mu_);
  return broken_;
}

void DiskErrors::Forget() {
  MutexLock lock(&mu_);
  if (!broken_) error_ = Status::OK();
}

void DiskErrors::OnBackgroundError(rocksdb::BackgroundErrorReason reason, Status* error) {
  if (error->ok()) return;
  MutexLock lock(&mu_);
  if (!broken_ && OfAnEarlierError(*error)) *error = Status::NoSpace("a write to the write-ahead log has failed");
  if (error->IsNoSpace()) {
    if (reason == rocksdb::BackgroundErrorReason::kCompaction) {
      *error = Status::OK();  // RocksDB tries again in a second, and writes do without.
      return;
    }
    *error = Status(*error, Status::Severity::kHardError);
  } else {
    broken_ = true;
  }
  error_ = *error;
}

// RocksDB would poll every 5 seconds whether a full disk has space again and refuse Resume() meanwhile.
void DiskErrors::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, Status, bool* auto_recovery) {
  *auto_recovery = false;
}

}  // namespace polyscene
