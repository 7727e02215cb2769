#include "server/eventlog/log_store.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/eventlog/big_endian.h"
#include "server/eventlog/disk_errors.h"
#include "server/eventlog/synced_mark.h"

namespace polyscene {
namespace {

constexpr char kMarkFile[] = "synced_mark";

// In the order of LogFamily.
constexpr const char* kFamilyNames[kLogFamilies] = {"default",    "records", "producers", "steps",    "segments",
                                                    "remembered", "joins",   "waiting",   "deadlines"};

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env, std::shared_ptr<DiskErrors> errors) {
  rocksdb::DBOptions options;
  if (env != nullptr) options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // A power cut leaves a file that ends within the group being written (file systems lengthen a file once its data is
  // on disk); that group was never acknowledged. Anything else that cannot be read is an error.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.listeners.push_back(std::move(errors));
  options.max_bgerror_resume_count = 0;
  // A write-ahead log that is not the last one and is missing or shorter than it was is then found when opening.
  options.track_and_verify_wals_in_manifest = true;
  options.avoid_flush_during_shutdown = true;  // Nothing that counts bypasses the write-ahead log.
  // Memory: two memtables of records at most, and little else.
  options.db_write_buffer_size = 64 << 20;
  options.max_total_wal_size =
      128 << 20;  // Small families would keep old files alive; also bounds the replay when opening.
  options.max_open_files = 256;
  options.max_background_jobs = 2;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.keep_log_file_num = 4;
  options.max_log_file_size = 1 << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(LogFamily family, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  rocksdb::ColumnFamilyOptions options;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = 1 << 20;
  if (family == LogFamily::kRecords) {
    // Keys only grow, so files never overlap and move down the levels without being rewritten.
    options.write_buffer_size = 32 << 20;
    options.max_write_buffer_number = 3;
    options.target_file_size_base = 32 << 20;
    options.level0_file_num_compaction_trigger = 2;  // Only files below level 0 can be dropped whole.
    options.compression = rocksdb::kLZ4Compression;  // Columns of ids and small floats shrink by 40 % at little cost.
    table.block_size = 64 << 10;                     // About a record: a smaller index.
  }
  if (family == LogFamily::kRemembered) {
    // Random keys and large values: these lie in files of their own, so that sorting the keys does not move them.
    options.write_buffer_size = 16 << 20;
    options.enable_blob_files = true;
    options.min_blob_size = 512;
    options.blob_compression_type = rocksdb::kLZ4Compression;
    options.blob_file_size = 64 << 20;
    options.enable_blob_garbage_collection = true;
    options.blob_garbage_collection_age_cutoff = 0.5;
    options.blob_garbage_collection_force_threshold = 0.5;
  }
  if (family == LogFamily::kJoins || family == LogFamily::kWaiting) {
    options.write_buffer_size = 8 << 20;
    options.compression = rocksdb::kLZ4Compression;
  }
  if (family == LogFamily::kRemembered || family == LogFamily::kJoins || family == LogFamily::kWaiting) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));  // Most ids are looked for before they are there.
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> Families() {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(8 << 20);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (int i = 0; i < kLogFamilies; ++i) {
    families.emplace_back(kFamilyNames[i], FamilyOptions(static_cast<LogFamily>(i), cache));
  }
  return families;
}

// OK, or why the directory cannot hold the log.
absl::Status PrepareDirectory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  const bool denied = error ? error == std::errc::permission_denied || error == std::errc::read_only_file_system
                            : ::faccessat(AT_FDCWD, directory.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0;
  if (denied) return absl::PermissionDeniedError(absl::StrCat("event log: cannot write to ", directory.string()));
  if (error) {
    return absl::InternalError(absl::StrCat("event log: cannot create ", directory.string(), ": ", error.message()));
  }
  return absl::OkStatus();
}

// The names of the directory's files that end so.
std::string FilesOf(const std::filesystem::path& directory, absl::string_view ending) {
  std::vector<std::string> names;
  std::error_code error;
  for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (absl::EndsWith(name, ending)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return absl::StrJoin(names, ", ");
}

absl::Status OpenError(const rocksdb::Status& status, const std::filesystem::path& directory) {
  const std::string text = status.ToString();
  if (status.IsIOError() &&
      (absl::StrContains(text, "lock hold by current process") || absl::StrContains(text, "While lock file"))) {
    return absl::FailedPreconditionError(
        absl::StrCat("event log ", directory.string(), " is in use by another process"));
  }
  if (status.IsInvalidArgument() || status.IsNotSupported()) {
    return absl::FailedPreconditionError(
        absl::StrCat("event log ", directory.string(), " is of a format this version does not know: ", text));
  }
  const std::string what = absl::StrCat("event log ", directory.string(), " cannot be opened");
  // A file that RocksDB does not find or read is no fault of the disk's space: the directory is damaged.
  if (!status.IsNoSpace() &&
      (status.IsCorruption() || status.IsIOError() || status.IsPathNotFound() || status.IsNotFound())) {
    return absl::DataLossError(absl::StrCat(
        what, ": ", text, " (a write-ahead log, where no file is named: ", FilesOf(directory, ".log"), ")"));
  }
  return FromRocks(status, what);
}

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status, absl::string_view what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(what, ": ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  return absl::InternalError(message);
}

absl::StatusOr<std::unique_ptr<LogStore>> LogStore::Open(const std::filesystem::path& directory, rocksdb::Env* env) {
  if (absl::Status status = PrepareDirectory(directory); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<SyncedMark>> mark = SyncedMark::Open(directory / kMarkFile);
  if (!mark.ok()) return mark.status();
  const std::string write_ahead_logs = FilesOf(directory, ".log");
  std::unique_ptr<LogStore> store(new LogStore);
  store->mark_ = *std::move(mark);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(DatabaseOptions(env, store->errors_), directory.string(), Families(), &handles, &db);
  if (!status.ok()) return OpenError(status, directory);
  store->db_.reset(db);
  std::copy(handles.begin(), handles.end(), store->handles_.begin());
  const uint64_t read = db->GetLatestSequenceNumber();
  if (const std::optional<uint64_t> synced = store->mark_->found(); synced.has_value() && read < *synced) {
    return absl::DataLossError(absl::StrCat(
        "event log: ", directory.string(), ": writes up to number ", *synced, " were durable, but only those up to ",
        read, " can be read: a file of it is damaged or missing, likely the newest write-ahead log (there was ",
        write_ahead_logs, "). Restore a backup; or remove ", store->mark_->file().string(),
        " to go on without what is lost, acknowledged events among it"));
  }
  return store;
}

LogStore::LogStore() : errors_(std::make_shared<DiskErrors>()) {}

LogStore::~LogStore() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
  }
}

absl::StatusOr<std::optional<std::string>> LogStore::Get(LogFamily family, absl::string_view key) const {
  rocksdb::ReadOptions options;
  options.fill_cache = family != LogFamily::kRecords;  // Records are read once, in order.
  std::string value;
  const rocksdb::Status status = db_->Get(options, this->family(family), ToSlice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return FromRocks(status, kFamilyNames[static_cast<int>(family)]);
  return value;
}

absl::StatusOr<std::optional<uint64_t>> LogStore::GetNumber(LogFamily family, absl::string_view key) const {
  absl::StatusOr<std::optional<std::string>> value = Get(family, key);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return std::optional<uint64_t>();
  const std::optional<uint64_t> number = FromBigEndian(**value);
  if (!number.has_value()) {
    return absl::DataLossError(absl::StrCat("event log: a value of family ", kFamilyNames[static_cast<int>(family)],
                                            " has ", (*value)->size(), " bytes, expected at least 8"));
  }
  return number;
}

absl::Status LogStore::Write(rocksdb::WriteBatch* batch, bool sync) {
  if (absl::Status status = Mend(); !status.ok()) return status;
  const std::shared_lock<std::shared_mutex> lock(write_mu_);
  rocksdb::WriteOptions options;
  options.sync = sync;
  // Sequence numbers are given in order, so those of this batch reach at least so far; a sync covers all before it.
  const uint64_t synced = db_->GetLatestSequenceNumber() + batch->Count();
  const rocksdb::Status status = db_->Write(options, batch);
  if (status.ok() && sync) mark_->Note(synced);
  return status.ok() ? absl::OkStatus() : Failed(status, "event log: write failed");
}

absl::Status LogStore::FreeBytes(uint64_t* free) const {
  return FromRocks(
      db_->GetEnv()->GetFileSystem()->GetFreeSpace(db_->GetName(), rocksdb::IOOptions(), free, /*dbg=*/nullptr),
      "event log: free space");
}

absl::Status LogStore::DropFilesBefore(LogFamily family, uint64_t offset) {
  if (offset == 0) return absl::OkStatus();
  if (absl::Status status = Mend(); !status.ok()) return status;
  const std::string begin = BigEndian(0);
  const std::string end = BigEndian(offset - 1);  // DeleteFilesInRange() includes its end.
  const rocksdb::Slice begin_slice = ToSlice(begin);
  const rocksdb::Slice end_slice = ToSlice(end);
  const std::shared_lock<std::shared_mutex> lock(write_mu_);
  const rocksdb::Status status = rocksdb::DeleteFilesInRange(db_.get(), this->family(family), &begin_slice, &end_slice);
  if (status.ok()) return absl::OkStatus();
  // After a manifest that could not be written RocksDB deletes no file until it has resumed, and insists on that when
  // it does; but this one of its ways to write the manifest does not see to it.
  db_->DisableFileDeletions().PermitUncheckedError();
  return Failed(status, "event log: old files cannot be deleted");
}

absl::Status LogStore::Flush() {
  if (absl::Status status = Mend(); !status.ok()) return status;
  const std::vector<rocksdb::ColumnFamilyHandle*> families(handles_.begin(), handles_.end());
  rocksdb::Status flushed = db_->Flush(rocksdb::FlushOptions(), families);
  if (flushed.ok()) flushed = AwaitFlushes();
  return flushed.ok() ? absl::OkStatus() : Failed(flushed, "event log: flush failed");
}

absl::Status LogStore::Compact() {
  return FromRocks(db_->CompactRange(rocksdb::CompactRangeOptions(), family(LogFamily::kRecords), nullptr, nullptr),
                   "event log: compaction failed");
}

absl::Status LogStore::Reclaim(uint64_t offset) {
  if (absl::Status status = Flush(); !status.ok()) return status;
  if (absl::Status status = DropFilesBefore(LogFamily::kRecords, offset); !status.ok()) return status;
  const std::string begin = BigEndian(0);
  const std::string end = BigEndian(offset);
  const rocksdb::Slice begin_slice = ToSlice(begin);
  const rocksdb::Slice end_slice = ToSlice(end);
  return FromRocks(
      db_->CompactRange(rocksdb::CompactRangeOptions(), family(LogFamily::kRecords), &begin_slice, &end_slice),
      "event log: compaction failed");
}

uint64_t LogStore::DiskBytes() const {
  uint64_t bytes = 0;
  db_->GetIntProperty(family(LogFamily::kRecords), rocksdb::DB::Properties::kLiveSstFilesSize, &bytes);
  return bytes;
}

absl::Status LogStore::CompactRemembered() {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  options.blob_garbage_collection_age_cutoff = 1.0;
  return FromRocks(db_->CompactRange(options, family(LogFamily::kRemembered), nullptr, nullptr),
                   "joiner: compaction of remembered requests failed");
}

uint64_t LogStore::RememberedDiskBytes() const {
  uint64_t tables = 0;
  uint64_t blobs = 0;
  db_->GetIntProperty(family(LogFamily::kRemembered), rocksdb::DB::Properties::kTotalSstFilesSize, &tables);
  db_->GetIntProperty(family(LogFamily::kRemembered), rocksdb::DB::Properties::kTotalBlobFileSize, &blobs);
  return tables + blobs;
}

std::unique_ptr<rocksdb::Iterator> LogStore::Iterate(LogFamily family) const {
  rocksdb::ReadOptions options;
  options.fill_cache = family != LogFamily::kRecords;
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(options, this->family(family)));
}

absl::Status LogStore::CopyTo(const std::filesystem::path& directory) const {
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  const uint64_t synced = mark_->noted();  // Of which the copy has everything.
  // No flush first, however long the write-ahead log is: it is copied.
  constexpr uint64_t kNeverFlush = ~uint64_t{0};
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory.string(), kNeverFlush);
  if (!status.ok()) return FromRocks(status, absl::StrCat("event log: cannot be copied to ", directory.string()));
  const absl::StatusOr<std::unique_ptr<SyncedMark>> mark = SyncedMark::Open(directory / kMarkFile);
  if (!mark.ok()) return mark.status();
  (*mark)->Note(synced);
  return absl::OkStatus();
}

}  // namespace polyscene
