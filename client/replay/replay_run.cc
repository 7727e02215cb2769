#include "client/replay/replay_run.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace polyscene::replay {
namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
constexpr int64_t kMaxRequestRows = 256;
constexpr int64_t kMaxHeldRows = 1 << 16;                       // Of one time, before they are asked for in parts.
constexpr int64_t kMaxInFlight = 32;                            // Requests.
constexpr int64_t kMaxBatchRows = 256;                          // Of labels.
constexpr auto kLookInterval = std::chrono::milliseconds(100);  // For Ctrl-C, while something is waited for.
// All tries of one request: a server that restarts meanwhile, as an event stream outlasts it.
constexpr absl::Duration kPredictTimeout = absl::Minutes(5);

client::PredictStreamOptions StreamOptions(const ReplayOptions& options) {
  client::PredictStreamOptions stream;
  stream.server = options.feed.server;
  stream.timeout = kPredictTimeout;
  // An answer that a crash swallows may be of a request that is remembered, and is so with those scores. Asked again
  // under its id it would be scored anew and the server would go on evaluating an answer that nobody got.
  stream.send_again = false;
  return stream;
}

// Which tasks' windows were still open: the server refuses a row as late for one task and takes it for another.
std::vector<bool> InTime(const ModelSpec& spec, const DueLabels& row) {
  std::vector<bool> tasks;
  const double seconds = static_cast<double>(row.labels.label_at - row.request->predict_at) * 1e-6;
  for (const TaskSpec& task : spec.tasks()) tasks.push_back(seconds <= task.window_seconds);
  return tasks;
}

}  // namespace

ReplayRun::ReplayRun(std::shared_ptr<const ModelSpec> spec, ReplayOptions options)
    : spec_(std::move(spec)),
      options_(std::move(options)),
      evaluation_(spec_, options_.feed.evaluate_from_micros.value_or(0)),
      evaluation_by_event_(spec_, options_.feed.evaluate_from_micros.value_or(0), AnswerEvaluation::Counts::kHappened),
      asked_label_at_(kForever) {
  if (options_.feed.producer.empty()) options_.feed.producer = cli::MakeProducerId();
  cli::FeedOptions feed = options_.feed;
  feed.on_settled = [this](uint64_t sequence, absl::Span<const client::RejectedEvent> refused) {
    Settle(sequence, refused);
  };
  feed_ = std::make_unique<cli::EventFeed>(std::move(feed));
  predictions_ = std::make_unique<client::PredictStream>(StreamOptions(options_));
}

ReplayRun::~ReplayRun() = default;

absl::Status ReplayRun::Play(ReplayRows& rows) {
  RequestGroups groups(*spec_, kMaxRequestRows);
  absl::Status unreadable;
  int64_t now = std::numeric_limits<int64_t>::min();
  for (ReplayRow row;;) {
    const absl::StatusOr<bool> more = rows.Next(&row);
    if (!more.ok()) unreadable = more.status();
    const bool ends = !more.ok() || !*more || Interrupted();
    fraction_read_ = rows.fraction();
    if (ends || row.predict_at != now || groups.rows() >= kMaxHeldRows) {
      if (absl::Status status = Predict(groups.Take()); !status.ok()) return status;
      if (ends) break;
      if (row.predict_at > now) {
        if (absl::Status status = AdvanceTo(row.predict_at); !status.ok()) return status;
      }
      now = row.predict_at;
    }
    groups.Add(std::move(row));
    ++rows_read_;
  }
  summary_.rows_out_of_order = rows.out_of_order();
  if (absl::Status status = AdvanceTo(kForever - 1); !status.ok()) return status;
  return unreadable;
}

absl::Status ReplayRun::AdvanceTo(int64_t time) {
  if (options_.speed > 0 && began_ == absl::InfinitePast()) {
    first_time_ = time;
    began_ = absl::Now();
  }
  while (!Interrupted() && std::min(asked_label_at_, schedule_.next_at()) <= time) {
    if (absl::Status status = TakeAnswers(); !status.ok()) return status;
    const int64_t until = options_.speed > 0 ? schedule_.next_at() : time;
    if (until > time) break;
    SleepUntil(until);
    if (absl::Status status = SendDue(until); !status.ok()) return status;
  }
  if (absl::Status status = feed_->WaitUntilUnserved(options_.max_unserved); !status.ok()) return status;
  if (time < kForever - 1) SleepUntil(time);
  return absl::OkStatus();
}

absl::Status ReplayRun::SendDue(int64_t time) {
  const int64_t batch_rows =
      options_.max_unserved == 0 ? kMaxBatchRows : std::min(options_.max_unserved, kMaxBatchRows);
  while (!Interrupted() && schedule_.next_at() <= time) {
    std::vector<DueLabels> due = schedule_.TakeDue(time, static_cast<size_t>(batch_rows));
    const int64_t others = std::max<int64_t>(options_.max_unserved - static_cast<int64_t>(due.size()), 0);
    if (absl::Status status = feed_->WaitUntilUnserved(others); !status.ok()) return status;
    v1::LabelBatch batch = BatchOf(*spec_, due);
    cli::RowOrigins origins = OriginsOf(due);
    labels_sent_ += static_cast<int64_t>(due.size());
    TellProgress();
    sent_.push_back(std::move(due));  // Before it is sent: it may be settled within Send().
    const absl::StatusOr<uint64_t> sequence = feed_->Send(std::move(batch), std::move(origins));
    if (!sequence.ok()) {
      return absl::Status(sequence.status().code(), absl::StrCat("sending labels: ", sequence.status().message()));
    }
  }
  return absl::OkStatus();
}

// Labels are what the feed sends: of all there will be, as many as of the rows that were read, about.
void ReplayRun::TellProgress() {
  if (fraction_read_ < 0) return;
  feed_->SetFractionSent(fraction_read_ * static_cast<double>(labels_sent_) / static_cast<double>(rows_read_));
}

void ReplayRun::SleepUntil(int64_t time) {
  if (options_.speed <= 0) return;
  const absl::Time due = began_ + absl::Microseconds(time - first_time_) / options_.speed;
  for (absl::Time now; !Interrupted() && (now = absl::Now()) < due;) {
    absl::SleepFor(std::min(due - now, absl::FromChrono(kLookInterval)));
  }
}

// ---- predictions ----------------------------------------------------------------------------------------------------

absl::Status ReplayRun::Predict(std::vector<RowGroup> groups) {
  for (RowGroup& group : groups) {
    if (!WaitUntilInFlight(kMaxInFlight - 1)) return absl::OkStatus();
    Ask(std::move(group));
  }
  return absl::OkStatus();
}

void ReplayRun::Ask(RowGroup group) {
  auto asked = std::make_shared<Asked>();
  asked->id = absl::StrCat(options_.feed.producer, "/", ++last_request_);
  asked->group = std::move(group);
  for (const ReplayRow& row : asked->group.rows) asked_label_at_ = std::min(asked_label_at_, row.label_at);
  asked_.push_back(asked);
  {
    std::lock_guard<std::mutex> lock(mu_);
    ++in_flight_;
  }
  predictions_->PredictAsync(RequestOf(*spec_, asked->group, asked->id),
                             [this, asked](client::PredictStream::Answer answer) {
                               {
                                 std::lock_guard<std::mutex> lock(mu_);
                                 asked->answer = std::move(answer);
                                 --in_flight_;
                               }
                               answered_.notify_all();
                             });
}

bool ReplayRun::WaitUntilInFlight(int64_t requests) {
  std::unique_lock<std::mutex> lock(mu_);
  while (!answered_.wait_for(lock, kLookInterval, [&] { return in_flight_ <= requests; })) {
    if (Interrupted()) return false;
  }
  return !Interrupted();
}

absl::Status ReplayRun::TakeAnswers() {
  while (!asked_.empty()) {
    if (!WaitUntilInFlight(0)) return absl::OkStatus();
    std::vector<RowGroup> again;
    for (const std::shared_ptr<Asked>& asked : std::exchange(asked_, {})) {
      if (absl::Status status = TakeAnswer(*asked, again); !status.ok()) return status;
    }
    asked_label_at_ = kForever;
    if (absl::Status status = Predict(std::move(again)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReplayRun::TakeAnswer(const Asked& asked, std::vector<RowGroup>& again) {
  const std::vector<ReplayRow>& rows = asked.group.rows;
  if (absl::IsInvalidArgument(asked.answer.status()) && rows.size() > 1) {
    // One bad row sinks a request: alone, each stands for itself.
    for (const ReplayRow& row : rows) again.push_back({asked.group.scene, asked.group.predict_at, {row}});
    return absl::OkStatus();
  }
  if (absl::IsInvalidArgument(asked.answer.status())) {
    const EventTable& table = rows[0].table;
    RejectedLine line;
    line.line = table.lines[0];
    line.file = table.files.empty() ? 0 : table.files[0];
    line.reason = "invalid_request";
    line.message = std::string(asked.answer.status().message());
    line.is_row = true;
    if (!table.texts.empty()) line.text = table.texts[0];
    feed_->AddRejectedLine(line);
    return absl::OkStatus();
  }
  if (absl::IsUnavailable(asked.answer.status())) return AskAgain(asked, again);
  trouble_since_ = absl::InfiniteFuture();
  if (!asked.answer.ok()) {
    return absl::Status(asked.answer.status().code(), absl::StrCat("predicting: ", asked.answer.status().message()));
  }
  auto request = std::make_shared<RememberedRequest>();
  request->id = asked.id;
  request->scene = asked.group.scene;
  request->predict_at = asked.group.predict_at;
  if (absl::Status status = TakeScores(*spec_, *asked.answer, rows.size(), request->scores); !status.ok()) {
    return status;
  }
  ++summary_.requests;
  summary_.rows_predicted += static_cast<int64_t>(rows.size());
  if (!asked.answer->remembered()) {
    summary_.rows_not_remembered += static_cast<int64_t>(rows.size());
    return absl::OkStatus();
  }
  for (size_t row = 0; row < rows.size(); ++row) {
    OpenLabels labels = LabelsOf(*spec_, asked.group, row);
    if (labels.labels.empty()) {
      ++summary_.rows_unlabelled;
    } else {
      schedule_.Add({request, std::move(labels)});
    }
  }
  return absl::OkStatus();
}

// Under another id.
absl::Status ReplayRun::AskAgain(const Asked& asked, std::vector<RowGroup>& again) {
  trouble_since_ = std::min(trouble_since_, absl::Now());
  if (absl::Now() - trouble_since_ >= kPredictTimeout) {
    return absl::UnavailableError(absl::StrCat("predicting: ", asked.answer.status().message()));
  }
  again.push_back(asked.group);
  return absl::OkStatus();
}

// ---- the end --------------------------------------------------------------------------------------------------------

void ReplayRun::Evaluate(const DueLabels& row, const std::vector<bool>& tasks) {
  evaluation_.Add(*row.request, row.labels, tasks);
  if (options_.predicts_elsewhere) evaluation_by_event_.Add(*row.request, row.labels, tasks);
}

void ReplayRun::Settle(uint64_t, absl::Span<const client::RejectedEvent> refused) {
  const std::vector<DueLabels> rows = std::move(sent_.front());
  sent_.pop_front();
  std::vector<const client::RejectedEvent*> refusals(rows.size());
  for (const client::RejectedEvent& event : refused) {
    for (size_t row = 0; row < rows.size(); ++row) {
      if (event.whole_batch || event.row == row) refusals[row] = &event;
    }
  }
  for (size_t row = 0; row < rows.size(); ++row) {
    if (refusals[row] == nullptr) {
      Evaluate(rows[row], {});
    } else if (refusals[row]->reason == "late") {
      Evaluate(rows[row], InTime(*spec_, rows[row]));
    }
  }
}

absl::StatusOr<ReplaySummary> ReplayRun::Finish() {
  absl::StatusOr<cli::FeedSummary> feed = feed_->Finish();
  if (!feed.ok()) return feed.status();
  summary_.feed = *std::move(feed);
  summary_.labels_unsent = static_cast<int64_t>(schedule_.size());
  for (const std::shared_ptr<Asked>& asked : asked_) {
    summary_.labels_unsent += static_cast<int64_t>(asked->group.rows.size());
  }
  summary_.answers = evaluation_.Figures();
  summary_.answers_by_event = evaluation_by_event_.Figures();
  summary_.exact = evaluation_.exact();
  summary_.served_difference =
      LargestDifference(summary_.answers, cli::FiguresOf(summary_.feed.status.served_evaluation()));
  return std::move(summary_);
}

}  // namespace polyscene::replay
