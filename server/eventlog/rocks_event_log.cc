#include "server/eventlog/rocks_event_log.h"

#include <rocksdb/write_batch.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/eventlog/big_endian.h"
#include "server/eventlog/log_cursor.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

constexpr uint64_t kFormatVersion = 1;

// Names in the meta family.
constexpr char kFormat[] = "format_version";
constexpr char kFingerprint[] = "model_fingerprint";
constexpr char kBegin[] = "begin_offset";
constexpr char kEnd[] = "end_offset";
constexpr char kRows[] = "rows_accepted";
constexpr char kBatches[] = "batches_accepted";  // Not in the oldest logs.
constexpr char kBytes[] = "bytes_written";
constexpr char kNextVersion[] = "next_version";

// Retention cuts at segments, a sixty-fourth of the smaller limit or a MiB long, whichever is less.
uint64_t SegmentBytes(const EventLogOptions& options) {
  int64_t limit = options.retention_bytes;
  if (options.max_bytes > 0) limit = std::min(limit, options.max_bytes);
  return static_cast<uint64_t>(std::clamp<int64_t>(limit / 64, 1, 1 << 20));
}

DiskBudgetOptions BudgetOptions(const EventLogOptions& options, const LogStore& store) {
  DiskBudgetOptions budget;
  budget.directory = options.directory;
  budget.max_bytes = static_cast<uint64_t>(options.max_bytes);
  budget.reserve_bytes = static_cast<uint64_t>(options.reserve_bytes);
  budget.free_bytes = [&store](uint64_t* free) { return store.FreeBytes(free); };
  return budget;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(EventLogOptions options) {
  rocksdb::Env* const env = options.env;
  return RocksEventLog::Open(std::move(options), env);
}

absl::StatusOr<std::unique_ptr<EventLog>> RocksEventLog::Open(EventLogOptions options, rocksdb::Env* env) {
  absl::StatusOr<std::unique_ptr<LogStore>> store = LogStore::Open(options.directory, env);
  if (!store.ok()) return store.status();
  std::unique_ptr<RocksEventLog> log(new RocksEventLog(std::move(options), *std::move(store)));
  if (absl::Status status = log->Load(); !status.ok()) return status;
  log->writer_ = std::thread([log = log.get()] { log->Run(); });
  return log;
}

RocksEventLog::RocksEventLog(EventLogOptions options, std::unique_ptr<LogStore> store)
    : options_(std::move(options)),
      segment_bytes_(SegmentBytes(options_)),
      store_(std::move(store)),
      budget_(BudgetOptions(options_, *store_)) {}

RocksEventLog::~RocksEventLog() {
  {
    MutexLock lock(&mu_);
    closing_ = true;
    queued_.SignalAll();
  }
  WakeReaders();
  if (writer_.joinable()) writer_.join();
}

absl::Status RocksEventLog::Load() {
  if (absl::Status status = LoadMeta(); !status.ok()) return status;
  if (absl::Status status = LoadMarks(); !status.ok()) return status;
  if (absl::Status status = LoadSegments(); !status.ok()) return status;
  if (absl::Status status = CheckJournal(); !status.ok()) return status;
  return options_.joiner == nullptr ? absl::OkStatus() : options_.joiner->Load(*store_);
}

void RocksEventLog::PutMeta(absl::string_view name, uint64_t value, rocksdb::WriteBatch* batch) const {
  batch->Put(store_->family(LogFamily::kMeta), ToSlice(name), BigEndian(value));
}

void RocksEventLog::PutBegin(uint64_t begin, rocksdb::WriteBatch* batch) const { PutMeta(kBegin, begin, batch); }

void RocksEventLog::PutNumbers(const Staged& staged, rocksdb::WriteBatch* batch) const {
  PutMeta(kEnd, staged.end_offset, batch);
  PutMeta(kRows, staged.rows_accepted, batch);
  PutMeta(kBatches, staged.batches, batch);
  PutMeta(kBytes, staged.bytes, batch);
}

absl::Status RocksEventLog::LoadMeta() {
  absl::StatusOr<std::optional<uint64_t>> format = store_->GetNumber(LogFamily::kMeta, kFormat);
  if (!format.ok()) return format.status();
  if (!format->has_value()) {  // A new log: everything counts from 0, versions from 1.
    rocksdb::WriteBatch batch;
    PutMeta(kFormat, kFormatVersion, &batch);
    PutMeta(kFingerprint, options_.model_fingerprint, &batch);  // Of the first model file; for people.
    for (const char* name : {kBegin, kEnd, kRows, kBatches, kBytes}) PutMeta(name, 0, &batch);
    PutMeta(kNextVersion, 1, &batch);
    batch.Put(store_->family(LogFamily::kSegments), BigEndian(0), BigEndian(0));
    return store_->Write(&batch, /*sync=*/true);
  }
  if (**format != kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat("event log ", options_.directory.string(), " has format version ",
                                                      **format, ", expected ", kFormatVersion));
  }
  const auto read = [this](absl::string_view name, uint64_t* value) -> absl::Status {
    absl::StatusOr<std::optional<uint64_t>> number = store_->GetNumber(LogFamily::kMeta, name);
    if (!number.ok()) return number.status();
    if (!number->has_value()) return absl::DataLossError(absl::StrCat("event log: ", name, " is missing"));
    *value = **number;
    return absl::OkStatus();
  };
  MutexLock lock(&mu_);
  if (absl::Status status = read(kBegin, &begin_offset_); !status.ok()) return status;
  if (absl::Status status = read(kEnd, &end_offset_); !status.ok()) return status;
  if (absl::Status status = read(kRows, &rows_accepted_); !status.ok()) return status;
  return read(kBytes, &bytes_);
}

absl::Status RocksEventLog::LoadMarks() {
  MutexLock lock(&mu_);
  const std::unique_ptr<rocksdb::Iterator> entry = store_->Iterate(LogFamily::kProducers);
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    const absl::string_view value(entry->value().data(), entry->value().size());
    const std::optional<uint64_t> sequence = FromBigEndian(value);
    const std::optional<uint64_t> end = FromBigEndian(value, 8);
    if (!end.has_value()) {
      return absl::DataLossError(absl::StrCat("event log: watermark of producer '", entry->key().ToString(), "' has ",
                                              value.size(), " bytes, expected 16"));
    }
    marks_.Add(entry->key().ToString(), {*sequence, *end});
    batches_ += *sequence;
  }
  if (absl::Status status = FromRocks(entry->status(), "event log: watermarks of producers"); !status.ok()) {
    return status;
  }
  // A watermark that went back would let a batch in twice.
  const absl::StatusOr<std::optional<uint64_t>> batches = store_->GetNumber(LogFamily::kMeta, kBatches);
  if (!batches.ok()) return batches.status();
  if (batches->has_value() && **batches != batches_) {
    return absl::DataLossError(absl::StrCat("event log ", options_.directory.string(), ": ", **batches,
                                            " batches were accepted, but the watermarks of their producers add up to ",
                                            batches_, ": its files are not of one state"));
  }
  return absl::OkStatus();
}

// Earlier builds could leave segments before the begin, with their records and steps. Nobody reads those any more: the
// begin moves only to where a checkpoint stands, or behind it.
void RocksEventLog::ForgetBefore(uint64_t begin) {
  rocksdb::WriteBatch batch;
  DeleteRows(0, begin, &batch);
  const absl::Status written = store_->Write(&batch, /*sync=*/true);
  LogWarning(absl::StrCat("event log: there was something left before its begin, offset ", begin, "; ",
                          written.ok() ? "it is deleted" : absl::StrCat("it stays: ", written.message())));
}

absl::Status RocksEventLog::LoadSegments() {
  MutexLock lock(&mu_);
  bool left = false;
  const std::unique_ptr<rocksdb::Iterator> entry = store_->Iterate(LogFamily::kSegments);
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    const std::optional<uint64_t> offset = FromBigEndian({entry->key().data(), entry->key().size()});
    const std::optional<uint64_t> bytes = FromBigEndian({entry->value().data(), entry->value().size()});
    if (!offset.has_value() || !bytes.has_value()) return absl::DataLossError("event log: a segment cannot be read");
    if (*offset < begin_offset_) {
      left = true;
    } else {
      segments_.push_back({*offset, *bytes});
    }
  }
  if (absl::Status status = FromRocks(entry->status(), "event log: segments"); !status.ok()) return status;
  if (segments_.empty() || segments_.front().offset != begin_offset_) {
    return absl::DataLossError(absl::StrCat("event log: no segment starts at its begin, offset ", begin_offset_));
  }
  if (left) ForgetBefore(begin_offset_);
  return absl::OkStatus();
}

// Steps follow one another without gaps but for control records. One that is missing is formed anew in a replay from
// before it, whose weights may then differ from those that were served. A power cut may leave such a gap behind a
// checkpoint (entries are not synced), so it keeps nobody from starting; but it is said.
absl::Status RocksEventLog::CheckJournal() const {
  const std::unique_ptr<rocksdb::Iterator> entry = store_->Iterate(LogFamily::kSteps);
  std::optional<uint64_t> next;
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    const std::optional<uint64_t> begin = FromBigEndian({entry->key().data(), entry->key().size()});
    const std::optional<uint64_t> end = FromBigEndian({entry->value().data(), entry->value().size()});
    if (!begin.has_value() || !end.has_value()) return absl::DataLossError("journal of steps: an entry cannot be read");
    while (next.has_value() && *next < *begin) {
      const absl::StatusOr<std::optional<std::string>> record = store_->Get(LogFamily::kRecords, BigEndian(*next));
      if (!record.ok()) return record.status();
      v1::LogRecord control;
      if (!record->has_value() || !control.ParseFromString(**record) || !control.has_evaluation()) break;
      ++*next;
    }
    if (next.has_value() && *next != *begin) {
      LogError(
          absl::StrCat("journal of steps: one ends at offset ", *next, ", the next begins at ", *begin,
                       ": it was damaged, or a power cut took what is missing; a replay from before may differ from "
                       "what was learned"));
    }
    next = end;
  }
  return FromRocks(entry->status(), "journal of steps");
}

v1::Watermark RocksEventLog::WatermarkOf(const std::string& producer, uint64_t learned_offset,
                                         uint64_t served_offset) const {
  MutexLock lock(&mu_);
  return marks_.WatermarkOf(producer, learned_offset, served_offset);
}

uint64_t RocksEventLog::end_offset() const {
  MutexLock lock(&mu_);
  return end_offset_;
}

uint64_t RocksEventLog::begin_offset() const {
  MutexLock lock(&mu_);
  return begin_offset_;
}

uint64_t RocksEventLog::rows_accepted() const {
  MutexLock lock(&mu_);
  return rows_accepted_;
}

absl::StatusOr<std::unique_ptr<EventLog::Cursor>> RocksEventLog::Read(uint64_t offset) const {
  return LogCursor::Open(*this, *store_, offset);
}

void RocksEventLog::WaitBeyond(uint64_t offset, absl::Duration timeout) const {
  MutexLock lock(&mu_);
  const uint64_t wakes = wakes_;
  ++waiting_;
  while (end_offset_ <= offset && wakes_ == wakes && !wake_kept_) {
    if (readers_.WaitWithTimeout(&mu_, timeout)) break;
  }
  --waiting_;
  wake_kept_ = false;
}

void RocksEventLog::WakeReaders() {
  MutexLock lock(&mu_);
  ++wakes_;
  if (waiting_ == 0) wake_kept_ = true;
  readers_.SignalAll();
}

absl::Status RocksEventLog::JournalStep(uint64_t begin, uint64_t end) {
  rocksdb::WriteBatch batch;
  batch.Put(store_->family(LogFamily::kSteps), BigEndian(begin), BigEndian(end));
  // Not synced: a power cut takes the weights that learned the step as well, and what is learned instead is as good.
  return store_->Write(&batch, /*sync=*/false);
}

std::optional<uint64_t> RocksEventLog::JournaledStepEnd(uint64_t begin) const {
  absl::StatusOr<std::optional<uint64_t>> end = store_->GetNumber(LogFamily::kSteps, BigEndian(begin));
  if (end.ok()) return *end;
  LogError(absl::StrCat("journal of steps: offset ", begin, ": ", end.status().ToString(),
                        "; the step is formed anew, so a replay may differ from what was learned before"));
  return std::nullopt;
}

absl::StatusOr<uint64_t> RocksEventLog::ReserveVersions(uint64_t count) {
  MutexLock lock(&versions_mu_);
  absl::StatusOr<std::optional<uint64_t>> next = store_->GetNumber(LogFamily::kMeta, kNextVersion);
  if (!next.ok()) return next.status();
  if (!next->has_value()) return absl::DataLossError(absl::StrCat("event log: ", kNextVersion, " is missing"));
  rocksdb::WriteBatch batch;
  PutMeta(kNextVersion, **next + count, &batch);
  if (absl::Status status = store_->Write(&batch, /*sync=*/true); !status.ok()) return status;
  return **next;
}

LogDisk RocksEventLog::disk() const {
  const DiskBudget::Use use = budget_.Look();
  LogDisk disk;
  disk.bytes = use.bytes;
  disk.wants_room = use.to_free > 0;
  disk.trouble = store_->trouble();
  disk.broken = disk.trouble.code() == absl::StatusCode::kInternal;
  if (disk.trouble.ok()) disk.trouble = use.spent;
  return disk;
}

}  // namespace polyscene
