#include "client/lib/event_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/lib/channel.h"
#include "grpcpp/client_context.h"

namespace polyscene::client {
namespace {

constexpr absl::Duration kCloseTimeout =
    absl::Seconds(5);  // For the server's end of a stream that has nothing more to say.
// Connections that may end one after the other, with an error that is not the network's, while nothing is taken.
constexpr int kMaxFailures = 10;

bool IsOutage(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) || absl::IsDeadlineExceeded(status);
}

// Errors that another try may not meet again: outages, our own cancellation of a stalled stream, what gRPC makes of a
// connection that breaks within a message, and a sequence that a restarted server does not expect, which its watermark
// will tell.
bool MayPass(const absl::Status& status) {
  return IsOutage(status) || absl::IsCancelled(status) || absl::IsInternal(status) || absl::IsUnknown(status) ||
         absl::IsAborted(status) || absl::IsFailedPrecondition(status);
}

void SetSequence(v1::StreamEventsRequest& request, uint64_t sequence) {
  if (request.has_batch()) request.mutable_batch()->set_sequence(sequence);
  if (request.has_labels()) request.mutable_labels()->set_sequence(sequence);
  if (request.has_exposures()) request.mutable_exposures()->set_sequence(sequence);
}

absl::Time Later(absl::Time a, absl::Time b) { return std::max(a, b); }

}  // namespace

EventStream::EventStream(EventStreamOptions options)
    : options_(std::move(options)), channel_(MakeChannel(options_.server)), stub_(channel_), last_answer_(absl::Now()) {
  thread_ = std::thread([this] { Run(); });
}

EventStream::~EventStream() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// ---- the owner's side -----------------------------------------------------------------------------------------------

absl::StatusOr<uint64_t> EventStream::Send(v1::EventBatch batch) {
  const int64_t rows = batch.rows();
  auto request = std::make_shared<v1::StreamEventsRequest>();
  *request->mutable_batch() = std::move(batch);
  return Send(rows, std::move(request));
}

absl::StatusOr<uint64_t> EventStream::Send(v1::LabelBatch batch) {
  const int64_t rows = batch.row_size();
  auto request = std::make_shared<v1::StreamEventsRequest>();
  *request->mutable_labels() = std::move(batch);
  return Send(rows, std::move(request));
}

absl::StatusOr<uint64_t> EventStream::Send(v1::ExposureBatch batch) {
  int64_t rows = 0;
  for (const v1::Exposure& exposure : batch.exposures()) rows += exposure.rows_size();
  auto request = std::make_shared<v1::StreamEventsRequest>();
  *request->mutable_exposures() = std::move(batch);
  return Send(rows, std::move(request));
}

absl::StatusOr<uint64_t> EventStream::Send(int64_t rows, std::shared_ptr<v1::StreamEventsRequest> request) {
  Pending pending;
  pending.rows = rows;
  pending.bytes = static_cast<int64_t>(request->ByteSizeLong());

  std::unique_lock<std::mutex> lock(mu_);
  changed_.wait(lock, [this] { return !error_.ok() || finishing_ || !WindowFull(); });
  if (!error_.ok()) return error_;
  if (finishing_) return absl::FailedPreconditionError("the stream is finished: nothing can be sent any more");
  pending.sequence = ++last_sequence_;
  total_rows_.push_back(total_rows_.back() + pending.rows);
  progress_.rows_sent += pending.rows;
  if (pending.sequence <= known_) {
    progress_.rows_known += pending.rows;
    return pending.sequence;
  }
  SetSequence(*request, pending.sequence);
  pending.request = std::move(request);
  if (pending_.empty()) last_answer_ = Later(last_answer_, absl::Now());
  pending_bytes_ += pending.bytes;
  const uint64_t sequence = pending.sequence;
  pending_.push_back(std::move(pending));
  lock.unlock();
  changed_.notify_all();
  return sequence;
}

absl::Status EventStream::WaitFor(Milestone milestone, absl::Time deadline) {
  return WaitUntil([&] { return Reached(milestone); }, deadline);
}

absl::Status EventStream::WaitUntilUnserved(int64_t rows, absl::Time deadline) {
  return WaitUntil([&] { return contacted_ && progress_.rows_sent - RowsUpTo(served_) <= rows; }, deadline);
}

template <typename Done>
absl::Status EventStream::WaitUntil(const Done& done, absl::Time deadline) {
  std::unique_lock<std::mutex> lock(mu_);
  const auto over = [&] { return !error_.ok() || done(); };
  if (deadline == absl::InfiniteFuture()) {
    changed_.wait(lock, over);
  } else {
    // On the steady clock, which nobody sets.
    const auto wait = absl::ToChronoNanoseconds(std::max(deadline - absl::Now(), absl::ZeroDuration()));
    changed_.wait_until(lock, std::chrono::steady_clock::now() + wait, over);
  }
  if (!error_.ok()) return error_;
  if (done()) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(
      "of batches 1 to ", last_sequence_, ", the server has logged those up to ", durable_, ", learned up to ",
      learned_, " and serves up to ", served_, progress_.trouble.empty() ? "" : "; ", progress_.trouble));
}

absl::Status EventStream::Finish(Milestone milestone, absl::Time deadline) {
  if (absl::Status status = WaitFor(milestone, deadline); !status.ok()) return status;
  std::unique_lock<std::mutex> lock(mu_);
  finishing_ = true;
  changed_.notify_all();
  // What was waited for is reached, so how the stream ends does not matter any more.
  changed_.wait_for(lock, absl::ToChronoNanoseconds(kCloseTimeout), [this] { return closed_; });
  return absl::OkStatus();
}

StreamProgress EventStream::progress() const {
  std::lock_guard<std::mutex> lock(mu_);
  StreamProgress progress = progress_;
  progress.acknowledged_sequence = pending_.empty() ? last_sequence_ : pending_.front().sequence - 1;
  progress.rows_logged = RowsUpTo(durable_);
  progress.rows_learned = RowsUpTo(learned_);
  progress.rows_served = RowsUpTo(served_);
  return progress;
}

std::vector<RejectedEvent> EventStream::TakeRejected() {
  std::lock_guard<std::mutex> lock(mu_);
  return std::exchange(rejected_, {});
}

std::vector<ServedBatch> EventStream::TakeServed() {
  std::lock_guard<std::mutex> lock(mu_);
  return std::exchange(newly_served_, {});
}

// ---- thread_ --------------------------------------------------------------------------------------------------------

void EventStream::Run() {
  Backoff backoff(options_.backoff);
  while (HandleEnd(RunConnection(), backoff)) {
  }
  {
    std::lock_guard<std::mutex> lock(mu_);
    closed_ = true;
    progress_.connected = false;
  }
  changed_.notify_all();
}

bool EventStream::HandleEnd(absl::Status status, Backoff& backoff) {
  std::unique_lock<std::mutex> lock(mu_);
  progress_.connected = false;
  if (stopping_ || (finishing_ && pending_.empty())) return false;
  if (status.ok()) status = absl::UnavailableError("the server ended the stream");
  progress_.trouble = std::string(status.message());

  if (trouble_since_ == absl::InfiniteFuture()) {
    trouble_since_ = absl::Now();
    backoff.Reset();
  }
  // A server that says that it has no room answers: it takes events again once there is, however long that lasts.
  const bool answers = absl::IsResourceExhausted(status);
  if (answers) trouble_since_ = absl::Now();
  if (!IsOutage(status)) ++failures_;
  if (absl::IsResourceExhausted(status) && absl::StrContains(status.message(), "larger than max")) {
    error_ = absl::InvalidArgumentError(
        absl::StrCat("a batch is larger than server ", options_.server, " takes: ", status.message()));
  } else if (!MayPass(status) || (!IsOutage(status) && failures_ >= kMaxFailures)) {
    error_ = status;
  } else if (!answers && absl::Now() - trouble_since_ >= options_.give_up_after) {
    error_ = absl::UnavailableError(absl::StrCat("server ", options_.server, " took nothing for ",
                                                 absl::FormatDuration(options_.give_up_after),
                                                 ", the last error: ", status.message()));
  }
  changed_.notify_all();
  if (!error_.ok()) return false;
  const absl::Duration longest = trouble_since_ + options_.give_up_after - absl::Now();
  const absl::Duration delay = std::max(std::min(backoff.Next(), longest), absl::ZeroDuration());
  changed_.wait_for(lock, absl::ToChronoNanoseconds(delay), [this] { return stopping_; });
  return !stopping_;
}

absl::Status EventStream::RunConnection() {
  const absl::StatusOr<v1::Watermark> watermark = AskWatermark();
  if (!watermark.ok()) return watermark.status();
  {
    std::lock_guard<std::mutex> lock(mu_);
    if (absl::Status status = ApplyFirstWatermark(*watermark); !status.ok()) return status;
  }
  changed_.notify_all();

  const auto changed = [this] {
    // Taken and let go, so that no change falls between a waiter's look and its wait.
    { std::lock_guard<std::mutex> lock(mu_); }
    changed_.notify_all();
  };
  Connection connection([this](grpc::ClientContext* context,
                               Connection::Reactor* reactor) { stub_.async()->StreamEvents(context, reactor); },
                        {.on_response =
                             [this](const v1::StreamEventsResponse& response) {
                               {
                                 std::lock_guard<std::mutex> lock(mu_);
                                 ApplyResponse(response);
                               }
                               changed_.notify_all();
                             },
                         .on_written = changed,
                         .on_end = changed});
  auto open = std::make_shared<v1::StreamEventsRequest>();
  open->mutable_open()->set_producer_id(options_.producer_id);
  if (options_.evaluate_from_micros.has_value()) {
    open->mutable_open()->set_evaluate_from_micros(*options_.evaluate_from_micros);
  }
  connection.Write(std::move(open));
  const absl::Status why = Stream(connection);
  const absl::Status ended = connection.Close(/*cancel=*/!why.ok());
  return why.ok() ? ended : why;
}

// Returns OK once the server has ended the stream, else why it is to be cancelled.
absl::Status EventStream::Stream(Connection& connection) {
  bool half_closed = false;
  absl::Time next_poll = absl::Now() + options_.poll_interval;
  absl::Time close_by = absl::InfiniteFuture();
  std::unique_lock<std::mutex> lock(mu_);
  for (;;) {
    if (connection.Ended()) return absl::OkStatus();
    if (stopping_) return absl::CancelledError("the stream is being closed");
    const absl::Time now = absl::Now();
    const Pending* const next = NextToWrite();
    if (connection.CanWrite() && (next != nullptr || (finishing_ && !half_closed))) {
      const Connection::Request request = next != nullptr ? next->request : nullptr;
      if (next != nullptr) written_ = next->sequence;
      lock.unlock();  // gRPC may call back from within.
      if (request != nullptr) {
        connection.Write(request);
      } else {
        connection.HalfClose();
        half_closed = true;
        close_by = now + kCloseTimeout;
      }
      lock.lock();
      continue;
    }
    if (now >= close_by) return absl::DeadlineExceededError("the server did not end the finished stream");
    const absl::Time stalled = pending_.empty() ? absl::InfiniteFuture() : last_answer_ + options_.stall_timeout;
    if (now >= stalled) {
      return absl::DeadlineExceededError(
          absl::StrCat("the server acknowledged nothing for ", absl::FormatDuration(options_.stall_timeout)));
    }
    // Learning is told as it goes on; asking covers for news that do not come.
    const bool wants_news = pending_.empty() && std::min(learned_, served_) < last_sequence_ && !finishing_;
    next_poll = Later(next_poll, last_answer_ + options_.poll_interval);
    if (wants_news && now >= next_poll) {
      lock.unlock();
      const absl::StatusOr<v1::Watermark> watermark = AskWatermark();
      lock.lock();
      next_poll = absl::Now() + options_.poll_interval;
      if (!watermark.ok()) return watermark.status();
      ApplyProgress(*watermark);
      changed_.notify_all();
      continue;
    }
    const absl::Time until = std::min({stalled, close_by, wants_news ? next_poll : absl::InfiniteFuture(),
                                       now + absl::Seconds(60)});  // Nothing overflows where nothing is waited for.
    changed_.wait_for(lock, absl::ToChronoNanoseconds(until - now));
  }
}

absl::StatusOr<v1::Watermark> EventStream::AskWatermark() {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + options_.call_timeout));
  v1::GetWatermarkRequest request;
  request.set_producer_id(options_.producer_id);
  v1::Watermark watermark;
  const grpc::Status status = stub_.GetWatermark(&context, request, &watermark);
  if (!status.ok()) return FromGrpc(status);
  return watermark;
}

// ---- state, with mu_ held -------------------------------------------------------------------------------------------

absl::Status EventStream::ApplyFirstWatermark(const v1::Watermark& watermark) {
  if (watermark.logged() < durable_) {
    return absl::DataLossError(absl::StrCat(
        "server ", options_.server, " has the batches of producer '", options_.producer_id, "' up to ",
        watermark.logged(), ", but acknowledged those up to ", durable_, " before: has its data directory changed?"));
  }
  ApplyProgress(watermark);
  if (!contacted_) {
    contacted_ = true;
    known_ = watermark.logged();
    while (!pending_.empty() && pending_.front().sequence <= known_) {
      progress_.rows_known += pending_.front().rows;
      pending_bytes_ -= pending_.front().bytes;
      pending_.pop_front();
    }
  }
  written_ = pending_.empty() ? last_sequence_ : pending_.front().sequence - 1;
  last_answer_ = absl::Now();
  ++progress_.connections;
  progress_.connected = true;
  return absl::OkStatus();
}

void EventStream::ApplyProgress(const v1::Watermark& watermark) {
  durable_ = std::max(durable_, watermark.logged());
  learned_ = watermark.learned();
  served_ = watermark.served();
  while (first_total_ < std::min(learned_, served_) && total_rows_.size() > 1) {
    total_rows_.pop_front();
    ++first_total_;
  }
  NoteServed();
}

void EventStream::NoteServed() {
  if (logged_.empty() || logged_.front().sequence > served_) return;
  const absl::Time now = absl::Now();
  while (!logged_.empty() && logged_.front().sequence <= served_) {
    newly_served_.push_back({logged_.front().sequence, logged_.front().rows, now - logged_.front().at});
    logged_.pop_front();
  }
}

void EventStream::ApplyResponse(const v1::StreamEventsResponse& response) {
  last_answer_ = absl::Now();
  ApplyProgress(response.watermark());
  if (response.accepted_sequence() != 0) Acknowledge(response);
  if (pending_.empty()) MarkWell();
}

void EventStream::Acknowledge(const v1::StreamEventsResponse& response) {
  const uint64_t sequence = response.accepted_sequence();
  if (pending_.empty() || sequence < pending_.front().sequence || sequence > pending_.back().sequence) return;
  Pending& pending = pending_[sequence - pending_.front().sequence];
  if (pending.acknowledged) return;
  pending.acknowledged = true;
  const int64_t accepted = std::min<int64_t>(static_cast<int64_t>(response.accepted_rows()), pending.rows);
  progress_.rows_accepted += accepted;
  progress_.rows_rejected += pending.rows - accepted;
  if (options_.measure_freshness) {
    logged_.push_back({sequence, pending.rows, last_answer_});
    NoteServed();  // What is served as soon as it is logged.
  }
  const bool whole_batch = response.rejected_size() == 1 && accepted == 0 && pending.rows > 1;
  for (const v1::RejectedRow& row : response.rejected()) {
    rejected_.push_back({sequence, row.row(), row.reason(), row.message(), whole_batch});
  }
  durable_ = std::max(durable_, sequence);
  while (!pending_.empty() && pending_.front().acknowledged) {
    pending_bytes_ -= pending_.front().bytes;
    pending_.pop_front();
  }
  MarkWell();
}

void EventStream::MarkWell() {
  trouble_since_ = absl::InfiniteFuture();
  failures_ = 0;
  progress_.trouble.clear();
}

const EventStream::Pending* EventStream::NextToWrite() const {
  if (pending_.empty() || written_ >= pending_.back().sequence) return nullptr;
  const uint64_t first = pending_.front().sequence;
  return &pending_[written_ < first ? 0 : written_ + 1 - first];
}

int64_t EventStream::RowsUpTo(uint64_t sequence) const {
  // Below first_total_ only after a crash of the server: what was served is learned again, and counts on as it did.
  if (sequence <= first_total_) return total_rows_.front();
  return total_rows_[std::min<uint64_t>(sequence - first_total_, total_rows_.size() - 1)];
}

bool EventStream::Reached(Milestone milestone) const {
  // Without a word from the server nothing is known, not even that nothing was sent before.
  if (!contacted_ || !pending_.empty() || durable_ < last_sequence_) return false;
  switch (milestone) {
    case Milestone::kLogged:
      return true;
    case Milestone::kLearned:
      return learned_ >= last_sequence_;
    case Milestone::kServed:
      return served_ >= last_sequence_;
  }
  return false;
}

bool EventStream::WindowFull() const {
  return static_cast<int64_t>(pending_.size()) >= std::max<int64_t>(options_.window_batches, 1) ||
         (pending_bytes_ >= options_.window_bytes && !pending_.empty());
}

}  // namespace polyscene::client
