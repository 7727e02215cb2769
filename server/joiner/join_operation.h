// One input on its way through the joiner. Private to this folder.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/record.pb.h"
#include "polyscene/v1/training.pb.h"
#include "server/eventlog/record_joiner.h"
#include "server/joiner/due_index.h"
#include "server/joiner/joined_record.h"
#include "server/joiner/joined_state.h"
#include "server/joiner/scene_windows.h"
#include "server/joiner/staged_store.h"
#include "server/joiner/stored_request.h"
#include "server/joiner/waiting_entries.h"

namespace polyscene {

// What the store holds, kept beside it.
struct JoinerTotals {
  uint64_t requests = 0;
  uint64_t bytes = 0;         // Of remembered requests, before compression.
  uint64_t waiting_rows = 0;  // Of labels.
  int64_t clock_micros = 0;   // The wall clock's newest time.
  int64_t replay_micros = 0;  // The newest time that a label or exposure of a replayed request named; 0: none.
};

// What an operation did, for those who count.
struct JoinerDone {
  uint64_t joined_rows = 0;
  uint64_t repeated_labels = 0;
  uint64_t corrected_labels = 0;
  uint64_t assumed_negatives = 0;
  uint64_t expired_rows = 0;
  std::vector<std::pair<int, uint32_t>> logged;            // Scene, rows, of each record.
  std::vector<std::pair<int, absl::string_view>> refused;  // Scene, reason, of each row.
};

// What operations share. Of the log's writer.
struct JoinerParts {
  const ModelSpec* spec = nullptr;
  std::vector<SceneWindows> windows;  // [scenes]
  int64_t label_wait_micros = 0;
  StagedStore store;
  RequestCache cache;
  DueIndex due;
};

// Works on the staged store. One of Labels(), Exposures(), Remember() and Sweep() is called once; where it returns OK,
// Finish() writes down what has changed and gives out what is to be logged. Errors: the store cannot be read, but for
// what is damaged: that is refused row by row.
class JoinOperation {
 public:
  JoinOperation(JoinerParts& parts, JoinerTotals totals, int64_t now_micros, int64_t accepted_at_micros)
      : parts_(parts), totals_(totals), now_(now_micros), accepted_at_(accepted_at_micros) {}

  absl::Status Labels(const std::string& producer, const v1::LabelBatch& batch);
  absl::Status Exposures(const std::string& producer, const v1::ExposureBatch& batch);
  absl::Status Remember(RequestToRemember request);
  absl::Status Sweep();  // What is due by now, up to some hundred deadlines of each kind.

  JoinResult Finish();
  const JoinerTotals& totals() const { return totals_; }  // After it.
  const JoinerDone& done() const { return done_; }

 private:
  // A remembered request with what has happened to it. Stays until the operation ends.
  struct Target {
    std::shared_ptr<const StoredRequest> request;
    JoinedState* state = nullptr;
    const SceneWindows* windows = nullptr;
    int64_t event_time() const { return request->message.event_time_micros(); }
    bool replayed() const { return request->message.replayed(); }
  };
  struct TaskColumn;  // A task's labels in a batch.
  struct Refusal {
    absl::string_view reason;  // Empty: none.
    std::string message;
    bool refused() const { return !reason.empty(); }
  };
  // Rows of a batch that wait for one request.
  struct WaitingDraft {
    v1::LabelBatch labels;
    std::vector<uint32_t> rows;  // Their numbers in the batch.
  };

  // Nothing: no such request is remembered.  kDataLoss: it, or what is known of it, is damaged.
  absl::StatusOr<std::optional<Target>> Find(const std::string& id);
  absl::StatusOr<std::shared_ptr<const StoredRequest>> ReadRequest(const std::string& id);  // Null: none.
  absl::StatusOr<JoinedState*> ReadState(const std::string& id);
  // What refuses a row instead of failing the operation; nothing for other errors.
  Refusal RefusalOf(const absl::Status& status);
  // Why a row of `target` takes no label or exposure that is `window` late at most, at `time`.
  Refusal CheckRow(const Target& target, uint32_t row) const;
  Refusal CheckRoom() const;
  Refusal CheckTime(const Target& target, int64_t time, int64_t window, absl::string_view what) const;
  void SeeReplayTime(const Target& target, int64_t time);

  absl::Status LabelsOf(const v1::LabelBatch& batch, std::map<std::string, WaitingDraft>* waiting);
  std::vector<TaskColumn> TaskColumns(const v1::LabelBatch& batch) const;
  Refusal LabelRow(const Target& target, const v1::LabelBatch& batch, int row, std::vector<TaskColumn>& columns);
  Refusal LabelTask(const Target& target, uint32_t row, int64_t time, float weight, const JoinedRecord::Label& label,
                    std::vector<JoinedRecord::Label>* fresh);
  void LogRow(const Target& target, uint32_t row, float weight, absl::Span<const JoinedRecord::Label> labels,
              bool correction);

  // Applies exposure number `index` of its batch; `first` is the number of its first row.
  void ExposeRows(const Target& target, const v1::Exposure& exposure, uint32_t first);
  void ScheduleAssumptions(const Target& target);

  // Stores `rows` until request `id` comes.  kResourceExhausted: too much waits for it already.
  absl::Status Wait(const std::string& id, const v1::WaitingRows::Entry& rows);
  absl::Status JoinWaiting(const std::string& id);
  absl::Status JoinEntry(const v1::WaitingRows::Entry& rows);
  uint64_t StopWaiting(const v1::WaitingRows::Entry& rows);  // How many rows of labels that are.

  absl::StatusOr<WaitingQueue> ReadQueue(const std::string& id);
  void PutQueue(const std::string& id, const WaitingQueue& queue);
  absl::Status TakeFromQueue(const std::string& id, uint64_t bytes);  // An entry of so many, which is deleted.
  void AddEntry(const std::string& id, int64_t until, std::string value, WaitingQueue* queue);
  absl::StatusOr<std::optional<WaitingEntry>> ReadEntry(const std::string& id, uint64_t number);  // Nothing: none.
  // Writes what lies under the bare id as entries of a new queue. Nothing lies there: an empty one.
  absl::StatusOr<WaitingQueue> TakeUpOldEntries(const std::string& id);

  absl::Status SweepKind(DeadlineKind kind, int64_t clock);
  absl::Status HandleDue(const Deadline& deadline, absl::string_view value, int64_t clock);
  absl::Status HandleDueRequest(const Deadline& deadline, const DueRequest& due, int64_t clock);
  absl::Status AssumeNegatives(const std::string& id, int64_t event_time, const SceneWindows& windows, int64_t clock);
  absl::Status HandleDueEntry(const Deadline& deadline);  // It has waited in vain.
  void Forget(const std::string& id, uint64_t stored_bytes);

  void PutDeadline(DeadlineKind kind, int64_t at, const std::string& id, std::string value);
  void Refuse(uint32_t row, int scene, Refusal refusal);
  void FlushRecords(const std::string& producer, uint64_t sequence);  // What was gathered becomes records.
  // A row's features are a copy of its own, of the context too, so a few rows of labels may join very many bytes.
  bool JoinedEnough() const;

  JoinerParts& parts_;
  JoinerTotals totals_;
  const int64_t now_;
  const int64_t accepted_at_;
  // By request id; null: forgotten by this operation.
  absl::flat_hash_map<std::string, std::unique_ptr<JoinedState>> states_;
  std::map<int, std::unique_ptr<JoinedRecord>> gathered_;  // By scene.
  std::vector<std::unique_ptr<JoinedRecord>> full_;        // Gathered before those, and as large as one may be.
  size_t joined_bytes_ = 0;                                // Of all rows' values.
  JoinResult result_;
  JoinerDone done_;
  bool damage_told_ = false;
};

}  // namespace polyscene
