// What commands that stream events share: the stream, its progress, the refused rows, the evaluation at the end.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/feed/progress.h"
#include "client/feed/rejected_file.h"
#include "client/feed/rejections.h"
#include "client/lib/client.h"
#include "client/lib/event_stream.h"
#include "client/status/latency_histogram.h"
#include "client/status/status_json.h"
#include "model/data/event_reader.h"
#include "polyscene/v1/model_service.pb.h"
#include "polyscene/v1/training.pb.h"

namespace polyscene::cli {

struct FeedOptions {
  std::string server;
  std::string producer;  // Empty: MakeProducerId().
  std::optional<int64_t> evaluate_from_micros = 0;
  client::Milestone wait_for = client::Milestone::kLearned;
  std::vector<std::string> files;         // Where rows come from, for telling of them where it is more than one.
  RejectedFile* rejected_file = nullptr;  // Takes every refused row. Not owned.
  // Called from within Send(), Wait..() and Finish() for each batch of which it is known what was refused, in their
  // order.
  std::function<void(uint64_t sequence, absl::Span<const client::RejectedEvent> refused)> on_settled;
  std::function<bool()> interrupted;  // Once true, nothing is waited for but the log. Default: never.
  double rows_a_second = 0;           // Send() waits until a batch's first row is due. 0: as fast as they are taken.
};

// Where the rows of a batch come from.
struct RowOrigins {
  std::vector<int64_t> lines;      // Of each row in its file; empty: rows have none.
  std::vector<uint32_t> files;     // Numbers of the files; empty: the first.
  std::vector<std::string> texts;  // As the files have them; empty: not kept.
};

// What came of it. Rows are counted as StreamProgress and Rejections count them.
struct FeedSummary {
  std::string producer;
  int64_t rows_sent = 0;
  int64_t rows_known = 0;  // Of those, logged by an earlier run.
  int64_t rows_accepted = 0;
  int64_t rows_rejected = 0;     // Lines that could not be read, and rows that the server refused.
  int64_t lines_rejected = 0;    // The former.
  double seconds = 0;            // From the feed's start until the milestone.
  double events_per_second = 0;  // Accepted rows.
  int64_t connections = 0;
  bool interrupted = false;  // What was sent is logged; nothing else was waited for.
  std::string rejections;    // Rejections::Summary().
  // Of batches, with Milestone::kServed: from the acknowledgement (durable) until served, as it came here.
  std::optional<LatencyHistogram> freshness;
  v1::GetStatusResponse status;  // With the evaluation of this producer, if it opened one.
};

// A new producer id: "polyscene-" and 16 random hexadecimal digits.
std::string MakeProducerId();

// Streams batches, draws progress and tells of refused rows on standard error (a bar if that is a terminal).
// Not thread-safe.
class EventFeed {
 public:
  explicit EventFeed(FeedOptions options);

  const std::string& producer() const { return options_.producer; }

  // Sends a batch; blocks while the window is full. Its origins are kept until its refused rows are known.
  absl::Status Send(v1::EventBatch batch, RowOrigins origins);
  absl::Status Send(v1::EventBatch batch, std::vector<int64_t> lines) {
    return Send(std::move(batch), RowOrigins{.lines = std::move(lines)});
  }
  absl::StatusOr<uint64_t> Send(v1::LabelBatch batch, RowOrigins origins);  // The batch's sequence.

  // Waits until at most `rows` of the rows sent are not served yet, or until interrupted. Errors as Finish().
  absl::Status WaitUntilUnserved(int64_t rows);

  // A line that could not be sent at all.
  void AddRejectedLine(const RejectedLine& line);

  // How much of the input was given to Send(), 0 to 1, for the time that is left. Default: not known.
  void SetFractionSent(double fraction) { fraction_sent_ = fraction; }

  // Waits for the milestone, across restarts of the server, and asks for the evaluation. Interrupted: for the log
  // alone.
  //   kInternal  the trainer stands still, and says why    else: EventStream's and Client's errors
  absl::StatusOr<FeedSummary> Finish();

 private:
  struct SentBatch {
    uint64_t sequence = 0;
    RowOrigins origins;
    std::vector<client::RejectedEvent> refused;
  };

  ProgressFigures Figures();
  void TellRejected();
  void NoteServed();
  void WaitUntilDue();
  std::string Place(size_t file, int64_t line) const;  // "line 7", with the file where there are several.
  void KeepRejected(const SentBatch& batch, const client::RejectedEvent& event);
  bool Interrupted() const { return options_.interrupted != nullptr && options_.interrupted(); }

  // Lowers the milestone to kLogged when interrupted.
  absl::Status WaitForMilestone(client::Milestone& milestone);
  // Calls `wait` with deadlines until it is not kDeadlineExceeded, and looks after the trainer.
  absl::Status Wait(const std::function<absl::Status(absl::Time deadline)>& wait, const std::function<bool()>& learns);
  template <typename Batch>
  absl::StatusOr<uint64_t> SendBatch(Batch batch, RowOrigins origins);

  FeedOptions options_;
  const absl::Time start_;
  client::Client client_;
  client::EventStream stream_;
  Rejections rejections_;
  int64_t lines_rejected_ = 0;
  int64_t told_rows_ = 0;       // Refused rows that the server told of one by one.
  std::deque<SentBatch> sent_;  // Whose refused rows are not known yet.
  LatencyHistogram freshness_;
  std::atomic<double> fraction_sent_{-1};
  std::atomic<int64_t> rejected_for_progress_{0};
  std::unique_ptr<ProgressPrinter> printer_;  // Last: its thread reads the above.
};

// The summary as one JSON object, and as people read it.
Json SummaryJson(const FeedSummary& summary);
std::string SummaryText(const FeedSummary& summary);

// Of that the lines on refused rows, connections, the model's version and freshness.
std::string StateText(const FeedSummary& summary);

}  // namespace polyscene::cli
