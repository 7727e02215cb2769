// Plays recorded events to a server as they came: each predicted and remembered at its time, its labels sent at theirs.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/feed/event_feed.h"
#include "client/lib/predict_stream.h"
#include "client/replay/answer_evaluation.h"
#include "client/replay/label_batches.h"
#include "client/replay/replay_rows.h"
#include "client/replay/request_groups.h"
#include "model/spec/model_spec.h"

namespace polyscene::replay {

struct ReplayOptions {
  cli::FeedOptions feed;  // Of the labels; on_settled is set here. Its producer must be a new one.
  // Label rows that may be sent and not be served yet: as far as the weights that answer may be behind. Fewer are
  // closer to the real delay, more are faster, since a publish serves what was learned before it. 0: every label that
  // was known when a row was predicted is in the weights that predicted it.
  int64_t max_unserved = 512;
  // Rows are not predicted when they happen: evaluate answers by their event time, too.
  bool predicts_elsewhere = false;
  double speed = 0;  // How many times faster than it happened. 0: as fast as the server allows.
};

struct ReplaySummary {
  cli::FeedSummary feed;  // Its rows are rows of labels.
  int64_t requests = 0;
  int64_t rows_predicted = 0;
  int64_t rows_unlabelled = 0;                     // Of those, without any label,
  int64_t rows_not_remembered = 0;                 // or not remembered, so that their labels were not sent,
  int64_t rows_out_of_order = 0;                   // ReplayRows::out_of_order().
  int64_t labels_unsent = 0;                       // or interrupted before their labels were sent.
  std::vector<EvaluationFigure> answers;           // By what came here: of what was answered and not refused later.
  std::vector<EvaluationFigure> answers_by_event;  // The same of rows by their event time, where they differ.
  bool exact = true;                               // Their AUC.
  // LargestDifference() of `answers` and the server's served evaluation.
  double served_difference = 0;
};

// What is known holds both ways: a row of time t is predicted after every label that was known at or before t was sent,
// and before any later one is. Memory follows what is open: rows of one time, requests in flight, labels to come; and
// 12 bytes for each distinct score of a binary task, up to a bound (ExactEvaluation).
//
// Threads: one.
class ReplayRun {
 public:
  ReplayRun(std::shared_ptr<const ModelSpec> spec, ReplayOptions options);  // Connects in the background.
  ~ReplayRun();

  // A line that could not be read.
  void AddRejectedLine(const RejectedLine& line) { feed_->AddRejectedLine(line); }

  // Until every row is predicted and every label sent, or until interrupted. What cannot be read on is returned after
  // the labels of what stands before it are sent.
  //   EventStream's and PredictStream's errors
  absl::Status Play(ReplayRows& rows);

  // As EventFeed::Finish().
  absl::StatusOr<ReplaySummary> Finish();

 private:
  struct Asked {
    RowGroup group;
    std::string id;
    client::PredictStream::Answer answer;  // Guarded by mu_ until none is in flight.
  };

  absl::Status AdvanceTo(int64_t time);  // Sends the labels that are known by then; paced, waits until then.
  absl::Status SendDue(int64_t time);
  absl::Status Predict(std::vector<RowGroup> groups);
  void Ask(RowGroup group);
  bool WaitUntilInFlight(int64_t requests);  // Until at most so many are. False: interrupted.
  absl::Status TakeAnswers();                // Of all that were asked; waits for them.
  absl::Status TakeAnswer(const Asked& asked, std::vector<RowGroup>& again);
  absl::Status AskAgain(const Asked& asked, std::vector<RowGroup>& again);
  void SleepUntil(int64_t time);
  void TellProgress();
  void Evaluate(const DueLabels& row, const std::vector<bool>& tasks);
  void Settle(uint64_t sequence, absl::Span<const client::RejectedEvent> refused);
  bool Interrupted() const { return options_.feed.interrupted != nullptr && options_.feed.interrupted(); }

  const std::shared_ptr<const ModelSpec> spec_;
  ReplayOptions options_;
  AnswerEvaluation evaluation_;
  AnswerEvaluation evaluation_by_event_;  // With predicts_elsewhere.
  LabelSchedule schedule_;
  std::deque<std::vector<DueLabels>> sent_;  // Batches of which it is not known what was refused.
  std::vector<std::shared_ptr<Asked>> asked_;
  double fraction_read_ = -1;  // Of the rows; below 0: not known.
  int64_t rows_read_ = 0;
  int64_t labels_sent_ = 0;
  int64_t asked_label_at_;  // The earliest label time in asked_.
  uint64_t last_request_ = 0;
  absl::Time trouble_since_ = absl::InfiniteFuture();  // No request was answered since.
  ReplaySummary summary_;
  int64_t first_time_ = 0;  // Of the file, and when it was here.
  absl::Time began_ = absl::InfinitePast();

  std::mutex mu_;
  std::condition_variable answered_;
  int64_t in_flight_ = 0;  // Guarded by mu_.

  std::unique_ptr<cli::EventFeed> feed_;
  std::unique_ptr<client::PredictStream> predictions_;  // Last: its answers come to the above.
};

}  // namespace polyscene::replay
