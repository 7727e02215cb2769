// The half of LogStore that gets over a full disk.
#include <rocksdb/file_system.h>
#include <rocksdb/options.h>

#include <memory>
#include <mutex>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/eventlog/disk_errors.h"
#include "server/eventlog/log_store.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

constexpr char kBroken[] = "; the log cannot be written until the server is restarted";
constexpr uint64_t kSpareBytes = 4 << 20;  // Beside what is in memory.

absl::Status Broken(const absl::Status& why) {
  if (absl::StrContains(why.message(), kBroken)) return why;
  return absl::InternalError(absl::StrCat(why.message(), kBroken));
}

}  // namespace

bool LogStore::failed() const { return failed_ || errors_->stopped(); }

absl::Status LogStore::trouble() const {
  MutexLock lock(&state_mu_);
  if (!trouble_.ok() || !errors_->stopped()) return trouble_;
  const absl::Status why = FromRocks(errors_->error(), "event log: it could not be written in the background");
  return errors_->broken() ? Broken(why) : why;
}

absl::Status LogStore::Failed(const rocksdb::Status& status, absl::string_view what) {
  MutexLock lock(&state_mu_);
  failed_ = true;
  // What a sync that failed has lost nobody can tell, and another sync would not say: only what is read back counts.
  if (!status.IsNoSpace()) broken_ = true;
  trouble_ = FromRocks(status, what);
  if (broken_) trouble_ = Broken(trouble_);
  return trouble_;
}

absl::Status LogStore::Mend() {
  if (!failed()) return absl::OkStatus();
  const std::unique_lock<std::shared_mutex> lock(write_mu_);
  if (!failed()) return absl::OkStatus();
  if (errors_->broken()) broken_ = true;
  if (broken_) {
    const absl::Status why = Broken(trouble());
    MutexLock state_lock(&state_mu_);
    return trouble_ = why;
  }
  if (const rocksdb::Status resumed = Resume(); !resumed.ok()) {
    return Failed(resumed, "event log: still cannot be written");
  }
  LogInfo("event log: it can be written again");
  MutexLock state_lock(&state_mu_);
  failed_ = false;
  trouble_ = absl::OkStatus();
  return trouble_;
}

// RocksDB resumes by writing to tables what it has in memory. On the way it goes on to a new write-ahead log, but only
// where something has come to memory since it began the current one; else it keeps that, and where a write to it had
// failed, the next ends the process. So something is put into memory, and a flush of it tells which it is: from a log
// that failed it is refused, which stops RocksDB again, and then resuming does leave that log.
rocksdb::Status LogStore::Resume() {
  if (rocksdb::Status status = Probe(); !status.ok()) return status;
  rocksdb::Status flushed;
  for (int tries = 0; tries < 2; ++tries) {
    if (rocksdb::Status status = AwaitRest(); !status.ok()) return status;
    errors_->Forget();
    if (rocksdb::Status status = db_->Resume(); !status.ok()) return status;
    rocksdb::WriteOptions memory_only;
    memory_only.disableWAL = true;
    rocksdb::WriteBatch nothing;
    nothing.Delete(family(LogFamily::kMeta), "nothing");
    flushed = db_->Write(memory_only, &nothing);
    if (flushed.ok()) flushed = db_->Flush(rocksdb::FlushOptions(), family(LogFamily::kMeta));
    if (flushed.ok()) flushed = AwaitFlushes();
    if (flushed.ok()) return db_->EnableFileDeletions(/*force=*/true);  // See DropFilesBefore().
  }
  return flushed;
}

// Where resuming fails for want of space half way, it has cost more of that: so RocksDB is told to only once the disk
// can take what it has.
rocksdb::Status LogStore::Probe() const {
  const std::shared_ptr<rocksdb::FileSystem> disk = db_->GetEnv()->GetFileSystem();
  uint64_t memory = 0;
  uint64_t free = 0;
  db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &memory);
  rocksdb::Status status = disk->GetFreeSpace(db_->GetName(), rocksdb::IOOptions(), &free, nullptr);
  if (status.ok() && free < memory + kSpareBytes) {
    return rocksdb::Status::NoSpace(absl::StrCat(free, " bytes are free, expected ", memory + kSpareBytes));
  }
  const std::string name = db_->GetName() + "/space_probe";
  std::unique_ptr<rocksdb::FSWritableFile> file;
  if (status.ok()) status = disk->NewWritableFile(name, rocksdb::FileOptions(), &file, nullptr);
  if (status.ok()) status = file->Append(std::string(4096, 'x'), rocksdb::IOOptions(), nullptr);
  if (status.ok()) status = file->Sync(rocksdb::IOOptions(), nullptr);
  file.reset();
  disk->DeleteFile(name, rocksdb::IOOptions(), nullptr).PermitUncheckedError();
  return status;
}

// What failed in the background rests for a second. Were RocksDB told to resume meanwhile, or while a job that has not
// noticed yet is about to begin, that would be begun again and again until it works, and resuming would wait for it.
// Pausing waits for the end of all that is scheduled, and while RocksDB has stopped nothing new is.
rocksdb::Status LogStore::AwaitRest() {
  if (!errors_->stopped()) return rocksdb::Status::OK();
  const rocksdb::Status paused = db_->PauseBackgroundWork();
  return paused.ok() ? db_->ContinueBackgroundWork() : paused;
}

rocksdb::Status LogStore::AwaitFlushes() const {
  for (;;) {
    uint64_t waiting = 0;
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      uint64_t tables = 0;
      db_->GetIntProperty(handle, rocksdb::DB::Properties::kNumImmutableMemTable, &tables);
      waiting += tables;
    }
    if (waiting == 0) return rocksdb::Status::OK();
    if (errors_->stopped()) return errors_->error();
    absl::SleepFor(absl::Milliseconds(1));
  }
}

}  // namespace polyscene
