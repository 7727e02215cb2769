#include "server/eventlog/read_only_log.h"

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/eventlog/big_endian.h"
#include "server/eventlog/log_store.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

// A live server may remove a file between its being listed and its being opened.
constexpr int kTries = 10;

}  // namespace

absl::StatusOr<std::unique_ptr<ReadOnlyLog>> ReadOnlyLog::Open(const fs::path& data_directory) {
  const fs::path directory = data_directory / "log";
  std::error_code error;
  if (!fs::exists(directory / "CURRENT", error)) {
    return absl::NotFoundError(
        absl::StrCat("there is no event log in ", data_directory.string(), ", expected a server's --data_dir"));
  }
  rocksdb::Status status;
  for (int tries = 0; tries < kTries; ++tries) {
    std::unique_ptr<ReadOnlyLog> log(new ReadOnlyLog);
    status = log->TryOpen(directory);
    if (status.ok()) {
      if (absl::Status found = log->FindEnds(); !found.ok()) return found;
      return log;
    }
  }
  return FromRocks(status, absl::StrCat("event log ", directory.string(), " cannot be read"));
}

ReadOnlyLog::~ReadOnlyLog() {
  entry_.reset();
  for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
}

rocksdb::Status ReadOnlyLog::TryOpen(const fs::path& directory) {
  rocksdb::DBOptions options;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_open_files = 64;
  options.track_and_verify_wals_in_manifest = true;  // As the writer: else RocksDB 7.8 would change the manifest.
  const std::vector<rocksdb::ColumnFamilyDescriptor> families{{"default", {}}, {"records", {}}};
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, directory.string(), families, &families_, &db);
  if (!status.ok()) return status;
  db_.reset(db);
  rocksdb::ReadOptions reading;
  reading.fill_cache = false;
  entry_.reset(db_->NewIterator(reading, families_[1]));
  return status;
}

absl::StatusOr<LogEntry> ReadOnlyLog::Current() const {
  const std::optional<uint64_t> offset = FromBigEndian({entry_->key().data(), entry_->key().size()});
  LogEntry entry;
  const bool parsed = offset.has_value() &&
                      entry.record.ParseFromArray(entry_->value().data(), static_cast<int>(entry_->value().size()));
  if (!parsed) {
    return absl::DataLossError(absl::StrCat("event log: the record at offset ", offset.value_or(next_), " (",
                                            entry_->value().size(), " bytes) cannot be parsed"));
  }
  entry.offset = *offset;
  entry.count = entry.record.has_events() ? entry.record.events().rows() : 1;
  return entry;
}

absl::Status ReadOnlyLog::FindEnds() {
  entry_->SeekToLast();
  if (entry_->Valid()) {
    const absl::StatusOr<LogEntry> last = Current();
    if (!last.ok()) return last.status();
    end_ = last->offset + last->count;
  }
  entry_->SeekToFirst();
  if (entry_->Valid()) {
    const absl::StatusOr<LogEntry> first = Current();
    if (!first.ok()) return first.status();
    begin_ = next_ = first->offset;
  }
  return FromRocks(entry_->status(), "event log: its ends");
}

absl::Status ReadOnlyLog::Seek(uint64_t offset) {
  entry_->SeekForPrev(BigEndian(offset));
  if (!entry_->Valid() && entry_->status().ok()) entry_->SeekToFirst();
  next_ = offset;
  return FromRocks(entry_->status(), absl::StrCat("event log: the record at offset ", offset));
}

absl::StatusOr<std::optional<LogEntry>> ReadOnlyLog::Next() {
  if (!entry_->Valid()) {
    if (absl::Status status = FromRocks(entry_->status(), absl::StrCat("event log: the record at offset ", next_));
        !status.ok()) {
      return status;
    }
    return std::optional<LogEntry>();
  }
  absl::StatusOr<LogEntry> entry = Current();
  if (!entry.ok()) return entry.status();
  next_ = entry->offset + entry->count;
  entry_->Next();
  return std::optional<LogEntry>(*std::move(entry));
}

}  // namespace polyscene
