// The writing half of RocksEventLog: queue -> group -> one write, one sync -> callbacks.
//
// The group is whatever was queued while the last one was synced. Where the last group had company, its senders are
// likely to be back soon, so the writer waits for as many appends again: no longer than the last sync took (a wait that
// costs more than the sync it may save does not pay), and no longer than sync_interval. A lone sender never waits.
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "model/fault/fault_point.h"
#include "server/eventlog/big_endian.h"
#include "server/eventlog/rocks_event_log.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMaxGroupBytes = 8 << 20;  // A write batch and RocksDB's copies of it are memory: bounded.
// Rows of labels may join far more than they weigh; what does not fit any more is of the next group.
constexpr size_t kMaxStagedBytes = 64 << 20;
constexpr absl::Duration kMendInterval = absl::Milliseconds(500);  // While nothing is appended.
constexpr size_t kJoinedRowBytes = 1024;  // Of a row of labels: its features, and what is known of its request.

void FillHeader(const EventLogOptions& options, v1::LogRecord* record) {
  record->set_format_version(1);
  record->set_model_fingerprint(options.model_fingerprint);
  if (record->accepted_at_micros() == 0) record->set_accepted_at_micros(absl::ToUnixMicros(absl::Now()));
}

}  // namespace

void RocksEventLog::Append(v1::LogRecord record, std::function<void(absl::StatusOr<Appended>)> done) {
  Pending pending;
  pending.producer = record.producer_id();
  pending.events = record.has_events();
  pending.done = std::move(done);
  if (record.has_events()) {
    pending.sequence = record.events().sequence();
    pending.rows = record.events().rows();
    if (pending.sequence == 0) {
      pending.refused = absl::InvalidArgumentError(
          absl::StrCat("producer '", record.producer_id(), "': sequence is 0, expected 1 or more"));
    }
  } else if (!record.has_evaluation()) {
    pending.refused = absl::InvalidArgumentError(
        absl::StrCat("producer '", record.producer_id(), "': record holds neither events nor a control record"));
  }
  FillHeader(options_, &record);
  pending.bytes = record.SerializeAsString();  // Here, on the caller's thread: the writer is one for all.
  pending.weight = pending.bytes.size();
  Enqueue(std::move(pending));
}

void RocksEventLog::Join(JoinInput input, std::function<void(absl::StatusOr<Appended>)> done) {
  Pending pending;
  pending.producer = input.producer_id;
  pending.done = std::move(done);
  bool numbered = true;
  if (const auto* labels = std::get_if<v1::LabelBatch>(&input.what)) {
    pending.sequence = labels->sequence();
    pending.weight = kJoinedRowBytes * labels->row_size();
  } else if (const auto* exposures = std::get_if<v1::ExposureBatch>(&input.what)) {
    pending.sequence = exposures->sequence();
    pending.weight = exposures->ByteSizeLong();
  } else if (const auto* request = std::get_if<RequestToRemember>(&input.what)) {
    pending.weight = request->bytes.size();
    numbered = false;
  } else {
    pending.weight = kMaxGroupBytes;  // A sweep may find much.
    numbered = false;
  }
  if (options_.joiner == nullptr) {
    pending.refused = absl::UnimplementedError("event log: opened without a joiner");
  } else if (numbered && pending.sequence == 0) {
    pending.refused = absl::InvalidArgumentError(
        absl::StrCat("producer '", pending.producer, "': sequence is 0, expected 1 or more"));
  }
  if (input.accepted_at_micros == 0) input.accepted_at_micros = absl::ToUnixMicros(absl::Now());
  pending.input = std::move(input);
  Enqueue(std::move(pending));
}

void RocksEventLog::Enqueue(Pending pending) {
  pending.queued_at = steady_clock::now();
  bool closing = false;
  {
    MutexLock lock(&mu_);
    closing = closing_;
    if (!closing) {
      queue_.push_back(std::move(pending));
      queued_.Signal();
    }
  }
  if (closing) pending.done(absl::UnavailableError("event log is closing"));
}

void RocksEventLog::Run() {
  while (!Closed()) {
    std::vector<Pending> group = TakeGroup();
    if (!group.empty()) {
      WriteGroup(std::move(group));
      MakeRoomIfWanted();
    } else if (const absl::Status trouble = store_->Mend(); !trouble.ok()) {  // Also where nobody writes.
      TellIfBroken(trouble);
    }
  }
}

bool RocksEventLog::Closed() const {
  MutexLock lock(&mu_);
  return closing_ && queue_.empty();
}

std::vector<RocksEventLog::Pending> RocksEventLog::TakeGroup() {
  MutexLock lock(&mu_);
  while (queue_.empty() && !closing_) {
    if (queued_.WaitWithTimeout(&mu_, kMendInterval) && queue_.empty()) return {};
  }
  if (last_group_size_ > 1) {
    const steady_clock::duration patience =
        std::min<steady_clock::duration>(absl::ToChronoNanoseconds(options_.sync_interval), last_sync_);
    while (queue_.size() < last_group_size_ && !closing_) {
      const steady_clock::duration left = queue_.front().queued_at + patience - steady_clock::now();
      if (left <= steady_clock::duration::zero()) break;
      queued_.WaitWithTimeout(&mu_, absl::FromChrono(left));
    }
  }
  std::vector<Pending> group;
  for (size_t bytes = 0; !queue_.empty() && bytes < kMaxGroupBytes; queue_.pop_front()) {
    bytes += queue_.front().weight;
    group.push_back(std::move(queue_.front()));
  }
  last_group_size_ = group.size();
  return group;
}

void RocksEventLog::GiveBack(size_t kept, std::vector<Pending>* group) {
  MutexLock lock(&mu_);
  for (; group->size() > kept; group->pop_back()) queue_.push_front(std::move(group->back()));
}

ProducerMarks::Mark RocksEventLog::LastMark(const std::string& producer) const {
  MutexLock lock(&mu_);
  return marks_.Last(producer);
}

// Sequences are checked here, in the order of the calls, against what is durable and what this group adds: so pipelined
// appends pass, and after a group failed the ones queued behind it are found to skip. spent: of the disk's budget.
absl::StatusOr<Appended> RocksEventLog::Stage(Pending& pending, const absl::Status& spent, Staged* staged,
                                              rocksdb::WriteBatch* batch) {
  if (!pending.refused.ok()) return pending.refused;
  ProducerMarks::Mark* last = nullptr;  // Of a producer's batch.
  if (pending.sequence > 0) {
    auto known = staged->last.find(pending.producer);
    if (known == staged->last.end()) {
      known = staged->last.emplace(pending.producer, LastMark(pending.producer)).first;
    }
    last = &known->second;
    if (pending.sequence <= last->sequence) return Appended{last->end_offset, /*repeated=*/true};
    if (pending.sequence != last->sequence + 1) {
      return absl::FailedPreconditionError(absl::StrCat("producer '", pending.producer, "': sequence ",
                                                        pending.sequence, " skips, expected ", last->sequence + 1));
    }
  }
  // A sweep lets go of requests: it makes room.
  const bool sweep = pending.input.has_value() && std::holds_alternative<Sweep>(pending.input->what);
  if (!spent.ok() && !sweep) return spent;
  Appended appended;
  if (pending.input.has_value()) {
    absl::StatusOr<Appended> joined = StageJoined(*std::move(pending.input), staged, batch);
    if (!joined.ok()) return joined.status();
    appended = *std::move(joined);
  } else {
    StageRecord(pending.bytes, pending.events ? pending.rows : 1, staged, batch);
    staged->rows_accepted += pending.rows;
  }
  if (last != nullptr) {
    *last = {pending.sequence, staged->end_offset};
    staged->marks.emplace_back(pending.producer, *last);
    ++staged->batches;
    batch->Put(store_->family(LogFamily::kProducers), pending.producer,
               BigEndian(last->sequence) + BigEndian(last->end_offset));
  }
  appended.end_offset = staged->end_offset;
  return appended;
}

absl::StatusOr<Appended> RocksEventLog::StageJoined(JoinInput input, Staged* staged, rocksdb::WriteBatch* batch) {
  absl::StatusOr<JoinResult> joined = options_.joiner->Join(std::move(input));
  if (!joined.ok()) return joined.status();
  for (v1::LogRecord& record : joined->records) {
    FillHeader(options_, &record);
    StageRecord(record.SerializeAsString(), record.events().rows(), staged, batch);
    staged->rows_accepted += record.events().rows();
  }
  Appended appended;
  appended.accepted_rows = joined->accepted_rows;
  appended.refused = std::move(joined->refused);
  return appended;
}

// count: offsets it takes; of none, nothing is written.
void RocksEventLog::StageRecord(const std::string& bytes, uint64_t count, Staged* staged,
                                rocksdb::WriteBatch* batch) const {
  if (count == 0) return;
  const uint64_t offset = staged->end_offset;
  if (staged->bytes - staged->last_segment.bytes >= segment_bytes_) {
    staged->last_segment = {offset, staged->bytes};
    staged->segments.push_back(staged->last_segment);
    batch->Put(store_->family(LogFamily::kSegments), BigEndian(offset), BigEndian(staged->bytes));
  }
  batch->Put(store_->family(LogFamily::kRecords), BigEndian(offset), bytes);
  staged->bytes += bytes.size();
  staged->end_offset += count;
}

// A group that failed may lie in RocksDB's write-ahead log all the same and come back when the log is opened again. So
// the next group first wipes what it may have left: records beyond the end, and watermarks of its producers.
void RocksEventLog::StageRepair(const Staged& staged, rocksdb::WriteBatch* batch) const {
  for (const LogFamily family : {LogFamily::kRecords, LogFamily::kSegments}) {
    batch->DeleteRange(store_->family(family), BigEndian(staged.end_offset), BigEndian(~uint64_t{0}));
  }
  if (staged.last_segment.offset == staged.end_offset) {  // An empty log's first one.
    batch->Put(store_->family(LogFamily::kSegments), BigEndian(staged.end_offset), BigEndian(staged.bytes));
  }
  for (const std::string& producer : suspects_) {
    const ProducerMarks::Mark mark = LastMark(producer);
    rocksdb::ColumnFamilyHandle* const family = store_->family(LogFamily::kProducers);
    if (mark.sequence == 0) {
      batch->Delete(family, producer);
    } else {
      batch->Put(family, producer, BigEndian(mark.sequence) + BigEndian(mark.end_offset));
    }
  }
}

void RocksEventLog::WriteGroup(std::vector<Pending> group) {
  Staged staged;
  {
    MutexLock lock(&mu_);
    staged.end_offset = end_offset_;
    staged.rows_accepted = rows_accepted_;
    staged.batches = batches_;
    staged.bytes = bytes_;
    staged.last_segment = segments_.back();
  }
  const uint64_t durable_end = staged.end_offset;
  rocksdb::WriteBatch batch;
  if (suspect_tail_) StageRepair(staged, &batch);
  std::vector<absl::StatusOr<Appended>> results;
  const absl::Status spent = budget_.Look().spent;
  while (results.size() < group.size() && batch.GetDataSize() < kMaxStagedBytes) {
    results.push_back(Stage(group[results.size()], spent, &staged, &batch));
  }
  GiveBack(results.size(), &group);

  absl::Status written;
  const bool joined = options_.joiner != nullptr && options_.joiner->Stage(&batch);
  if (staged.end_offset != durable_end || !staged.marks.empty() || joined) {
    PutNumbers(staged, &batch);
    const steady_clock::time_point start = steady_clock::now();
    FaultPoint("log.write");
    written = store_->Write(&batch, /*sync=*/true);
    FaultPoint("log.written");
    last_sync_ = steady_clock::now() - start;
    if (written.ok()) {
      suspect_tail_ = false;
      suspects_.clear();
      if (options_.joiner != nullptr) options_.joiner->Commit();
    }
  }
  if (written.ok()) {
    budget_.Added(batch.GetDataSize());
    Commit(staged);
  } else {
    Abandon(staged, written, group, &results);
  }
  for (size_t i = 0; i < group.size(); ++i) group[i].done(std::move(results[i]));
}

void RocksEventLog::Commit(const Staged& staged) {
  MutexLock lock(&mu_);
  const bool longer = staged.end_offset > end_offset_;
  end_offset_ = staged.end_offset;
  rows_accepted_ = staged.rows_accepted;
  batches_ = staged.batches;
  bytes_ = staged.bytes;
  segments_.insert(segments_.end(), staged.segments.begin(), staged.segments.end());
  for (const auto& [producer, mark] : staged.marks) marks_.Add(producer, mark);
  if (longer) readers_.SignalAll();
}

void RocksEventLog::TellIfBroken(const absl::Status& why) {
  if (absl::IsResourceExhausted(why) || options_.on_broken == nullptr) return;
  if (!std::exchange(told_broken_, true)) options_.on_broken(why);
}

void RocksEventLog::Abandon(const Staged& staged, const absl::Status& why, const std::vector<Pending>& group,
                            std::vector<absl::StatusOr<Appended>>* results) {
  LogError(absl::StrCat(why.message(), "; ", group.size(), " batches are refused"));
  TellIfBroken(why);
  suspect_tail_ = true;
  if (options_.joiner != nullptr) options_.joiner->Abandon();
  for (const auto& [producer, mark] : staged.marks) suspects_.push_back(producer);
  for (size_t i = 0; i < group.size(); ++i) {
    absl::StatusOr<Appended>& result = (*results)[i];
    const bool stands = result.ok() && result->repeated && group[i].sequence <= LastMark(group[i].producer).sequence;
    if (result.ok() && !stands) result = why;
  }
}

}  // namespace polyscene
