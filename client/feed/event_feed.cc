#include "client/feed/event_feed.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/status/histogram.h"
#include "model/report/figure_table.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

constexpr int64_t kRejectionsShown = 20;
constexpr absl::Duration kTrainerCheckInterval = absl::Seconds(5);
constexpr absl::Duration kLongestSleep = absl::Milliseconds(100);  // Before Ctrl-C is looked for again.

FeedOptions WithProducer(FeedOptions options) {
  if (options.producer.empty()) options.producer = MakeProducerId();
  return options;
}

client::EventStreamOptions StreamOptions(const FeedOptions& options) {
  client::EventStreamOptions stream;
  stream.server = options.server;
  stream.producer_id = options.producer;
  stream.evaluate_from_micros = options.evaluate_from_micros;
  stream.measure_freshness = options.wait_for == client::Milestone::kServed;
  return stream;
}

}  // namespace

std::string MakeProducerId() {
  absl::BitGen random;
  return absl::StrCat("polyscene-", absl::Hex(absl::Uniform<uint64_t>(random), absl::kZeroPad16));
}

EventFeed::EventFeed(FeedOptions options)
    : options_(WithProducer(std::move(options))),
      start_(absl::Now()),
      client_(client::ClientOptions{.server = options_.server}),
      stream_(StreamOptions(options_)),
      rejections_(kRejectionsShown, [this](const std::string& line) { printer_->Message(line); }),
      printer_(std::make_unique<ProgressPrinter>(ProgressOptions{.terminal = isatty(STDERR_FILENO) == 1}, std::cerr,
                                                 [this] { return Figures(); })) {}

void EventFeed::WaitUntilDue() {
  if (options_.rows_a_second <= 0) return;
  const client::StreamProgress progress = stream_.progress();
  // What an earlier run had sent is not sent again, and so not waited for.
  const absl::Time due =
      start_ + absl::Seconds(static_cast<double>(progress.rows_sent - progress.rows_known) / options_.rows_a_second);
  for (absl::Time now; !Interrupted() && (now = absl::Now()) < due;) {
    absl::SleepFor(std::min(due - now, kLongestSleep));
    TellRejected();
  }
}

template <typename Batch>
absl::StatusOr<uint64_t> EventFeed::SendBatch(Batch batch, RowOrigins origins) {
  WaitUntilDue();
  const absl::StatusOr<uint64_t> sequence = stream_.Send(std::move(batch));
  if (!sequence.ok()) return sequence.status();
  sent_.push_back({*sequence, std::move(origins), {}});
  TellRejected();
  return *sequence;
}

absl::Status EventFeed::Send(v1::EventBatch batch, RowOrigins origins) {
  return SendBatch(std::move(batch), std::move(origins)).status();
}

absl::StatusOr<uint64_t> EventFeed::Send(v1::LabelBatch batch, RowOrigins origins) {
  return SendBatch(std::move(batch), std::move(origins));
}

void EventFeed::AddRejectedLine(const RejectedLine& line) {
  ++lines_rejected_;
  rejections_.Add(Place(line.file, line.line), line.reason, line.message);
  if (options_.rejected_file != nullptr) {
    options_.rejected_file->Add({line.file, line.line, line.reason, line.message, line.text, line.is_row});
  }
  rejected_for_progress_ = rejections_.count();
}

void EventFeed::TellRejected() {
  const client::StreamProgress progress = stream_.progress();  // Before: what it covers has told its refused rows.
  for (const client::RejectedEvent& event : stream_.TakeRejected()) {
    const auto batch = std::lower_bound(sent_.begin(), sent_.end(), event.sequence,
                                        [](const SentBatch& b, uint64_t sequence) { return b.sequence < sequence; });
    const bool known = batch != sent_.end() && batch->sequence == event.sequence;
    const bool has_line = known && event.row < batch->origins.lines.size();
    const size_t file = has_line && !batch->origins.files.empty() ? batch->origins.files[event.row] : 0;
    rejections_.Add(has_line ? Place(file, batch->origins.lines[event.row])
                             : absl::StrCat("row ", event.row, " of batch ", event.sequence),
                    event.reason, event.message);
    if (has_line) KeepRejected(*batch, event);
    if (known && options_.on_settled != nullptr) batch->refused.push_back(event);
    ++told_rows_;
  }
  while (!sent_.empty() && sent_.front().sequence <= progress.acknowledged_sequence) {
    const SentBatch settled = std::move(sent_.front());
    sent_.pop_front();
    if (options_.on_settled != nullptr) options_.on_settled(settled.sequence, settled.refused);
  }
  // One message may stand for all rows of a batch.
  if (progress.rows_rejected > told_rows_) {
    rejections_.AddUntold(progress.rows_rejected - told_rows_);
    told_rows_ = progress.rows_rejected;
  }
  rejected_for_progress_ = rejections_.count();
  NoteServed();
}

void EventFeed::NoteServed() {
  for (const client::ServedBatch& batch : stream_.TakeServed()) freshness_.Record(batch.after_logged);
}

std::string EventFeed::Place(size_t file, int64_t line) const {
  return options_.files.size() > 1 ? absl::StrCat(options_.files[file], " line ", line) : absl::StrCat("line ", line);
}

void EventFeed::KeepRejected(const SentBatch& batch, const client::RejectedEvent& event) {
  if (options_.rejected_file == nullptr) return;
  const RowOrigins& origins = batch.origins;
  const size_t begin = event.whole_batch ? 0 : event.row;
  const size_t end = event.whole_batch ? origins.lines.size() : event.row + size_t{1};
  for (size_t row = begin; row < end; ++row) {
    options_.rejected_file->Add({.source = origins.files.empty() ? 0 : origins.files[row],
                                 .line = origins.lines[row],
                                 .reason = event.reason,
                                 .message = event.message,
                                 .text = row < origins.texts.size() ? origins.texts[row] : ""});
  }
}

ProgressFigures EventFeed::Figures() {
  const client::StreamProgress progress = stream_.progress();
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start_);
  const int64_t acknowledged = progress.rows_accepted + progress.rows_rejected;
  ProgressFigures figures;
  figures.sent = progress.rows_sent;
  figures.acknowledged = acknowledged + progress.rows_known;
  figures.rejected = rejected_for_progress_;
  figures.learned = progress.rows_learned;
  figures.trouble = progress.trouble;

  const int64_t done = options_.wait_for == client::Milestone::kLogged    ? progress.rows_logged
                       : options_.wait_for == client::Milestone::kLearned ? progress.rows_learned
                                                                          : progress.rows_served;
  // What an earlier run had sent took no time of this one.
  const double done_now = static_cast<double>(std::max<int64_t>(done - progress.rows_known, 0));
  figures.rate = seconds > 0 ? done_now / seconds : 0;
  const double fraction_sent = fraction_sent_;
  if (fraction_sent > 0 && progress.rows_sent > 0) {
    const double total = static_cast<double>(progress.rows_sent) / fraction_sent;
    figures.fraction = static_cast<double>(done) / total;
    if (figures.rate > 0) figures.eta_seconds = std::max(total - static_cast<double>(done), 0.0) / figures.rate;
  }
  return figures;
}

absl::Status EventFeed::WaitForMilestone(client::Milestone& milestone) {
  return Wait(
      [&](absl::Time deadline) {
        if (Interrupted()) milestone = client::Milestone::kLogged;
        return stream_.WaitFor(milestone, deadline);
      },
      [&] { return milestone != client::Milestone::kLogged; });
}

absl::Status EventFeed::WaitUntilUnserved(int64_t rows) {
  const auto wait = [&](absl::Time deadline) {
    return Interrupted() ? absl::OkStatus() : stream_.WaitUntilUnserved(rows, deadline);
  };
  return Wait(wait, [] { return true; });
}

absl::Status EventFeed::Wait(const std::function<absl::Status(absl::Time deadline)>& wait,
                             const std::function<bool()>& learns) {
  absl::Time next_check = absl::Now() + kTrainerCheckInterval;
  for (;;) {
    const absl::Status status = wait(absl::Now() + absl::Milliseconds(500));
    TellRejected();
    if (!absl::IsDeadlineExceeded(status)) return status;
    if (!learns() || absl::Now() < next_check) continue;
    // A trainer that stands still would be waited for without end.
    const absl::StatusOr<v1::GetStatusResponse> server = client_.GetStatus();
    if (server.ok() && !server->trainer_error().empty()) {
      return absl::InternalError(
          absl::StrCat("all rows are logged, but the trainer stands still: ", server->trainer_error()));
    }
    next_check = absl::Now() + kTrainerCheckInterval;
  }
}

absl::StatusOr<FeedSummary> EventFeed::Finish() {
  client::Milestone end = options_.wait_for;
  absl::Status status = WaitForMilestone(end);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start_);
  // The server tells the evaluation with each publish: what is learned but not served yet would be missing from it.
  if (end == client::Milestone::kLearned && options_.evaluate_from_micros.has_value()) {
    end = client::Milestone::kServed;
    if (status.ok()) status = WaitForMilestone(end);
  }
  if (status.ok()) status = stream_.Finish(end);
  TellRejected();
  printer_->Stop();
  if (!status.ok()) return status;

  const client::StreamProgress progress = stream_.progress();
  FeedSummary summary;
  summary.producer = options_.producer;
  summary.rows_sent = progress.rows_sent;
  summary.rows_known = progress.rows_known;
  summary.rows_accepted = progress.rows_accepted;
  summary.rows_rejected = rejections_.count();
  summary.lines_rejected = lines_rejected_;
  summary.seconds = seconds;
  summary.events_per_second = seconds > 0 ? static_cast<double>(progress.rows_accepted) / seconds : 0;
  summary.connections = progress.connections;
  summary.interrupted = Interrupted();
  summary.rejections = rejections_.Summary();
  if (options_.wait_for == client::Milestone::kServed) summary.freshness = freshness_;

  absl::StatusOr<v1::GetStatusResponse> server =
      client_.GetStatus(options_.evaluate_from_micros.has_value() ? options_.producer : "");
  // Nobody waited until the trainer has come to where the evaluation is opened. The recent window's is another one.
  if (absl::IsNotFound(server.status())) {
    server = client_.GetStatus();
    if (server.ok()) server->clear_evaluation();
  }
  if (!server.ok()) return server.status();
  summary.status = *std::move(server);
  return summary;
}

Json SummaryJson(const FeedSummary& summary) {
  Json json;
  json["producer"] = summary.producer;
  json["rows_sent"] = summary.rows_sent;
  json["rows_known"] = summary.rows_known;
  json["rows_accepted"] = summary.rows_accepted;
  json["rows_rejected"] = summary.rows_rejected;
  json["lines_rejected"] = summary.lines_rejected;
  json["seconds"] = JsonNumber(summary.seconds);
  json["events_per_second"] = JsonNumber(summary.events_per_second);
  json["connections"] = summary.connections;
  json["interrupted"] = summary.interrupted;
  if (summary.freshness.has_value()) {
    json["freshness_p50_seconds"] = JsonNumber(summary.freshness->QuantileSeconds(0.5));
    json["freshness_p90_seconds"] = JsonNumber(summary.freshness->QuantileSeconds(0.9));
    json["freshness_p99_seconds"] = JsonNumber(summary.freshness->QuantileSeconds(0.99));
  }
  json["version"] = summary.status.model().version();
  json["evaluation"] = FiguresJson(FiguresOf(summary.status.evaluation()));
  return json;
}

std::string SummaryText(const FeedSummary& summary) {
  std::string text = absl::StrCat(WithThousands(summary.rows_sent), " rows sent, ");
  if (summary.rows_known > 0) {
    absl::StrAppend(&text, WithThousands(summary.rows_known), " of them known from an earlier run, ");
  }
  absl::StrAppend(&text, WithThousands(summary.rows_accepted), " accepted in ", ReadableSeconds(summary.seconds), ": ",
                  WithThousands(static_cast<long long>(summary.events_per_second)), " events/s\n", StateText(summary));
  if (!summary.status.evaluation().empty()) {
    absl::StrAppend(&text, "\nEvaluation (each row scored before it was learned)\n",
                    FigureTable(FiguresOf(summary.status.evaluation())));
  }
  return text;
}

std::string StateText(const FeedSummary& summary) {
  std::string text;
  if (!summary.rejections.empty()) absl::StrAppend(&text, summary.rejections, "\n");
  if (summary.connections > 1) {
    absl::StrAppend(&text, "reconnected ", summary.connections - 1, summary.connections == 2 ? " time\n" : " times\n");
  }
  absl::StrAppend(&text, "model version ", WithThousands(static_cast<long long>(summary.status.model().version())),
                  " has learned ", WithThousands(static_cast<long long>(summary.status.model().rows_learned())),
                  " rows; producer ", summary.producer, "\n");
  if (summary.freshness.has_value() && summary.freshness->count() > 0) {
    const auto quantile = [&](double q) { return ReadableQuantile({summary.freshness->QuantileSeconds(q)}); };
    const v1::Histogram& server = summary.status.freshness_seconds();
    absl::StrAppend(&text, "freshness (logged to served) of ", WithThousands(summary.freshness->count()),
                    " batches: p50 ", quantile(0.5), ", p90 ", quantile(0.9), ", p99 ", quantile(0.99),
                    "; of all rows since the server's start: p50 ", ReadableQuantile(HistogramQuantile(server, 0.5)),
                    ", p99 ", ReadableQuantile(HistogramQuantile(server, 0.99)), "\n");
  }
  return text;
}

}  // namespace polyscene::cli
