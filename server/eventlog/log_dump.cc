#include "server/eventlog/log_dump.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/eventlog/big_endian.h"
#include "server/eventlog/log_store.h"
#include "server/eventlog/record_json.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

// A live server may remove a file between its being listed and its being opened.
constexpr int kTries = 10;

// The database, for reading.
class OpenedLog {
 public:
  ~OpenedLog() {
    for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
  }

  static absl::StatusOr<std::unique_ptr<OpenedLog>> Open(const fs::path& directory) {
    rocksdb::Status status;
    for (int tries = 0; tries < kTries; ++tries) {
      std::unique_ptr<OpenedLog> opened(new OpenedLog);
      status = opened->TryOpen(directory.string());
      if (status.ok()) return opened;
    }
    return FromRocks(status, absl::StrCat("event log ", directory.string(), " cannot be read"));
  }

  std::unique_ptr<rocksdb::Iterator> Records() const {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(options, families_[1]));
  }

 private:
  OpenedLog() = default;

  rocksdb::Status TryOpen(const std::string& directory) {
    rocksdb::DBOptions options;
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
    options.max_open_files = 64;
    options.track_and_verify_wals_in_manifest = true;  // As the writer: else RocksDB 7.8 would change the manifest.
    const std::vector<rocksdb::ColumnFamilyDescriptor> families{{"default", {}}, {"records", {}}};
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, directory, families, &families_, &db);
    if (status.ok()) db_.reset(db);
    return status;
  }

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;  // Owned by db_, given back in the destructor.
};

std::optional<uint64_t> OffsetOf(const rocksdb::Iterator& entry) {
  return FromBigEndian({entry.key().data(), entry.key().size()});
}

uint64_t CountOf(const v1::LogRecord& record) { return record.has_events() ? record.events().rows() : 1; }

}  // namespace

absl::Status DumpLog(const LogDumpOptions& options, std::ostream& out) {
  const fs::path directory = options.data_directory / "log";
  std::error_code error;
  if (!fs::exists(directory / "CURRENT", error)) {
    return absl::NotFoundError(
        absl::StrCat("there is no event log in ", options.data_directory.string(), ", expected a server's --data_dir"));
  }
  absl::StatusOr<std::unique_ptr<OpenedLog>> log = OpenedLog::Open(directory);
  if (!log.ok()) return log.status();
  const std::unique_ptr<rocksdb::Iterator> entry = (*log)->Records();
  entry->SeekForPrev(BigEndian(options.from));
  if (!entry->Valid() && entry->status().ok()) entry->SeekToFirst();
  uint64_t end = 0;
  for (uint64_t printed = 0; entry->Valid() && printed < options.count; entry->Next()) {
    const std::optional<uint64_t> offset = OffsetOf(*entry);
    v1::LogRecord record;
    if (!offset.has_value() || !record.ParseFromArray(entry->value().data(), static_cast<int>(entry->value().size()))) {
      return absl::DataLossError(absl::StrCat("event log: the record at offset ", offset.value_or(end), " (",
                                              entry->value().size(), " bytes) cannot be parsed"));
    }
    end = *offset + CountOf(record);
    if (end <= options.from) continue;  // It ends before.
    out << RecordJson(*offset, record) << '\n';
    if (!out.good()) return absl::InternalError("the output cannot be written");
    ++printed;
  }
  if (absl::Status status = FromRocks(entry->status(), absl::StrCat("event log: the record at offset ", end));
      !status.ok()) {
    return status;
  }
  if (options.from > end) {
    return absl::OutOfRangeError(
        absl::StrCat("--from is ", options.from, ", expected at most ", end, ", where the event log ends"));
  }
  return out.flush().good() ? absl::OkStatus() : absl::InternalError("the output cannot be written");
}

}  // namespace polyscene
