// EventLog on a LogStore. Private to this folder and its tests; others see event_log.h.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "server/eventlog/disk_budget.h"
#include "server/eventlog/event_log.h"
#include "server/eventlog/log_store.h"
#include "server/eventlog/producer_marks.h"
#include "server/sync/mutex.h"

namespace polyscene {

class RocksEventLog : public EventLog {
 public:
  // env: null for the system's. A test hands in one whose disk is full.
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(EventLogOptions options, rocksdb::Env* env);
  ~RocksEventLog() override;  // Writes what is queued.

  void Append(v1::LogRecord record, std::function<void(absl::StatusOr<Appended>)> done) override;
  void Join(JoinInput input, std::function<void(absl::StatusOr<Appended>)> done) override;
  v1::Watermark WatermarkOf(const std::string& producer, uint64_t learned_offset,
                            uint64_t served_offset) const override;
  uint64_t end_offset() const override;
  uint64_t begin_offset() const override;
  uint64_t rows_accepted() const override;
  absl::StatusOr<std::unique_ptr<Cursor>> Read(uint64_t offset) const override;
  void WaitBeyond(uint64_t offset, absl::Duration timeout) const override;
  void WakeReaders() override;
  absl::Status JournalStep(uint64_t begin, uint64_t end) override;
  std::optional<uint64_t> JournaledStepEnd(uint64_t begin) const override;
  absl::StatusOr<uint64_t> ReserveVersions(uint64_t count) override;
  using EventLog::Retire;
  absl::Status Retire(uint64_t covered_offset, uint64_t newest_covered) override;
  absl::Status CopyTo(const std::filesystem::path& directory) const override { return store_->CopyTo(directory); }
  LogDisk disk() const override;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  struct Pending {
    absl::Status refused;  // Why the record cannot be logged at all; OK mostly.
    std::string producer;
    bool events = false;             // Else a control record.
    uint64_t sequence = 0;           // Of what a producer numbers; 0: of nothing.
    uint64_t rows = 0;               // Of events.
    std::string bytes;               // The serialized record.
    std::optional<JoinInput> input;  // For the joiner, instead of a record.
    size_t weight = 0;               // Bytes of memory that it costs its group, about.
    SteadyTime queued_at;
    std::function<void(absl::StatusOr<Appended>)> done;
  };

  // Where retention may cut: at `offset`, with `bytes` of records ever written before it.
  struct Segment {
    uint64_t offset = 0;
    uint64_t bytes = 0;
  };

  // What the log's state will be once a group is durable.
  struct Staged {
    uint64_t end_offset = 0;
    uint64_t rows_accepted = 0;
    uint64_t batches = 0;
    uint64_t bytes = 0;
    Segment last_segment;
    std::vector<Segment> segments;                                   // New ones.
    std::vector<std::pair<std::string, ProducerMarks::Mark>> marks;  // New ones, in order.
    absl::flat_hash_map<std::string, ProducerMarks::Mark> last;      // Of every producer of the group.
  };

  RocksEventLog(EventLogOptions options, std::unique_ptr<LogStore> store);
  absl::Status Load();      // The state the store holds; writes that of a new log.
  absl::Status LoadMeta();  // Part of Load(), as are the two below.
  absl::Status LoadMarks();
  absl::Status LoadSegments();
  void ForgetBefore(uint64_t begin);  // What is still there of it.
  absl::Status CheckJournal() const;

  void Enqueue(Pending pending);  // Calls its `done` where the log closes.
  void Run();                     // Body of writer_: returns once closing_ is set and queue_ is empty.
  // Blocks until something is queued; empty when nothing was for a while, or once the log closes.
  std::vector<Pending> TakeGroup();
  bool Closed() const;
  void TellIfBroken(const absl::Status& why);
  // Puts what is behind the first `kept` of the group back where it was taken from.
  void GiveBack(size_t kept, std::vector<Pending>* group);
  void WriteGroup(std::vector<Pending> group);
  absl::StatusOr<Appended> Stage(Pending& pending, const absl::Status& spent, Staged* staged,
                                 rocksdb::WriteBatch* batch);
  absl::StatusOr<Appended> StageJoined(JoinInput input, Staged* staged, rocksdb::WriteBatch* batch);
  void StageRecord(const std::string& bytes, uint64_t count, Staged* staged, rocksdb::WriteBatch* batch) const;
  void StageRepair(const Staged& staged, rocksdb::WriteBatch* batch) const;
  void Commit(const Staged& staged);  // What was staged is durable.
  // It is not: turns the results that rested on it into `why`.
  void Abandon(const Staged& staged, const absl::Status& why, const std::vector<Pending>& group,
               std::vector<absl::StatusOr<Appended>>* results);
  void PutMeta(absl::string_view name, uint64_t value, rocksdb::WriteBatch* batch) const;
  void PutBegin(uint64_t begin, rocksdb::WriteBatch* batch) const;
  void DeleteRows(uint64_t from, uint64_t to, rocksdb::WriteBatch* batch) const;  // And their steps and segments.
  void PutNumbers(const Staged& staged, rocksdb::WriteBatch* batch) const;
  ProducerMarks::Mark LastMark(const std::string& producer) const;

  absl::Status RetireCovered() ABSL_EXCLUSIVE_LOCKS_REQUIRED(retire_mu_);
  // Moves the begin past what may go; false if that is nothing.
  absl::StatusOr<bool> Cut(const DiskBudget::Use& use) ABSL_EXCLUSIVE_LOCKS_REQUIRED(retire_mu_);
  uint64_t CutPoint(const DiskBudget::Use& use, uint64_t covered) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MakeRoomIfWanted();  // Of the writer.

  const EventLogOptions options_;
  const uint64_t segment_bytes_;
  const std::unique_ptr<LogStore> store_;
  mutable DiskBudget budget_;

  // Of the writer alone.
  size_t last_group_size_ = 0;
  std::chrono::steady_clock::duration last_sync_{0};
  std::vector<std::string> suspects_;  // Producers of groups that failed to be written since the last that did not.
  bool suspect_tail_ = false;          // There was such a group.
  bool told_broken_ = false;           // on_broken was called.
  SteadyTime next_room_{};             // When it may make room again.

  mutable Mutex mu_;
  mutable CondVar queued_;   // The writer waits for queue_ or closing_.
  mutable CondVar readers_;  // WaitBeyond() waits for end_offset_ or wakes_.
  std::deque<Pending> queue_ ABSL_GUARDED_BY(mu_);
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  mutable ProducerMarks marks_ ABSL_GUARDED_BY(mu_);  // Durable. Asking prunes it.
  uint64_t begin_offset_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t end_offset_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t rows_accepted_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t batches_ ABSL_GUARDED_BY(mu_) = 0;            // Of all producers: the sum of their last sequences.
  uint64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;              // Of records ever written.
  std::deque<Segment> segments_ ABSL_GUARDED_BY(mu_);    // The first one at begin_offset_; never empty.
  mutable uint64_t waiting_ ABSL_GUARDED_BY(mu_) = 0;    // Readers in WaitBeyond().
  uint64_t wakes_ ABSL_GUARDED_BY(mu_) = 0;              // Calls of WakeReaders().
  mutable bool wake_kept_ ABSL_GUARDED_BY(mu_) = false;  // One came while nobody waited.

  Mutex versions_mu_;  // Held while a reservation is written: they must follow one another.
  Mutex retire_mu_;    // Likewise for retiring.
  uint64_t covered_ ABSL_GUARDED_BY(retire_mu_) = 0;  // As last told to Retire(), as is the next.
  uint64_t newest_covered_ ABSL_GUARDED_BY(retire_mu_) = 0;

  std::thread writer_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene
