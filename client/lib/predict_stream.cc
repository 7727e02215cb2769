#include "client/lib/predict_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/lib/channel.h"
#include "grpcpp/client_context.h"

namespace polyscene::client {
namespace {

// A timeout is cut to this, so that no clock overflows.
constexpr absl::Duration kLongestTimeout = absl::Hours(24);

bool WorthRetrying(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

// gRPC's own words: a message beyond the receiver's limit ends the whole stream.
bool IsTooLarge(const absl::Status& status) {
  return absl::IsResourceExhausted(status) && absl::StrContains(status.message(), "larger than max");
}

// Never OK, whatever came.
absl::Status ErrorOf(const v1::PredictStreamResponse& response) {
  const uint32_t code = response.error().code();
  if (code == 0 || code > 16) {
    return absl::InternalError(absl::StrCat("the server answered with neither a response nor an error: code ", code));
  }
  return absl::Status(static_cast<absl::StatusCode>(code), response.error().message());
}

// A server that is back is to be found soon, however long it was away: a try is cheap, the channel has delays of its
// own.
BackoffOptions ConnectBackoff(BackoffOptions options) {
  options.maximum = std::min(options.maximum, absl::Seconds(1));
  return options;
}

uint32_t MillisecondsUntil(std::chrono::steady_clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return static_cast<uint32_t>(std::max<int64_t>(left, 1));  // 0 would mean: none.
}

}  // namespace

PredictStream::PredictStream(PredictStreamOptions options)
    : options_(std::move(options)),
      channel_(MakeChannel(options_.server)),
      stub_(channel_),
      connect_at_(Clock::now()),
      connect_backoff_(ConnectBackoff(options_.backoff)) {
  thread_ = std::thread([this] { Run(); });
}

PredictStream::~PredictStream() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// ---- the caller's side ----------------------------------------------------------------------------------------------

PredictStream::Answer PredictStream::Predict(v1::PredictRequest request, std::optional<absl::Duration> timeout) {
  std::mutex mu;
  std::condition_variable came;
  std::optional<Answer> answer;
  PredictAsync(
      std::move(request),
      [&](Answer given) {
        // Told under the lock: all of this is gone as soon as the waiter has it.
        std::lock_guard<std::mutex> lock(mu);
        answer = std::move(given);
        came.notify_all();
      },
      timeout);
  std::unique_lock<std::mutex> lock(mu);
  came.wait(lock, [&] { return answer.has_value(); });
  return *std::move(answer);
}

void PredictStream::PredictAsync(v1::PredictRequest request, Done done, std::optional<absl::Duration> timeout) {
  Pending pending;
  pending.message = std::make_shared<v1::PredictStreamRequest>();
  *pending.message->mutable_request() = std::move(request);
  pending.done = std::move(done);
  pending.timeout = std::min(timeout.value_or(options_.timeout), kLongestTimeout);
  pending.deadline = Clock::now() + absl::ToChronoNanoseconds(pending.timeout);
  bool tell = false;
  {
    std::lock_guard<std::mutex> lock(mu_);
    const uint64_t id = ++last_id_;
    pending.message->set_id(id);
    pending.deadline_entry = deadlines_.emplace(pending.deadline, id);
    queue_.push_back(id);
    tell = connection_ == nullptr || pending.deadline < wakes_at_;
    pending_.emplace(id, std::move(pending));
  }
  if (tell) changed_.notify_all();
  WriteNext();
}

int64_t PredictStream::in_flight() const {
  std::lock_guard<std::mutex> lock(mu_);
  return static_cast<int64_t>(pending_.size());
}

int64_t PredictStream::connections() const {
  std::lock_guard<std::mutex> lock(mu_);
  return connections_;
}

void PredictStream::Give(Answers answers) {
  for (auto& [done, answer] : answers) done(std::move(answer));
}

// ---- writing and reading: callers' and gRPC's threads ---------------------------------------------------------------

void PredictStream::WriteNext() {
  std::shared_ptr<Connection> connection;
  Connection::Request message;
  {
    std::lock_guard<std::mutex> lock(mu_);
    if (connection_ == nullptr || writing_ || ended_ || stopping_) return;
    while (message == nullptr && !queue_.empty()) {
      const auto found = pending_.find(queue_.front());
      queue_.pop_front();
      if (found == pending_.end()) continue;  // It has expired.
      found->second.place = Place::kSent;
      found->second.message->set_timeout_milliseconds(MillisecondsUntil(found->second.deadline));
      message = found->second.message;
    }
    if (message == nullptr) return;
    if (unanswered_++ == 0) last_progress_ = Clock::now();
    writing_ = true;
    connection = connection_;
  }
  connection->Write(std::move(message));
}

void PredictStream::OnWritten() {
  bool tell = false;
  {
    std::lock_guard<std::mutex> lock(mu_);
    writing_ = false;
    tell = ended_ || stopping_;
  }
  if (tell) changed_.notify_all();
  WriteNext();
}

void PredictStream::OnResponse(v1::PredictStreamResponse& response) {
  Answers answers;
  bool tell = false;
  {
    std::lock_guard<std::mutex> lock(mu_);
    --unanswered_;
    last_progress_ = Clock::now();
    connect_backoff_.Reset();
    trouble_ = absl::OkStatus();
    const auto found = pending_.find(response.id());
    if (found == pending_.end() || found->second.place != Place::kSent) return;  // Its caller has gone.
    if (response.has_response()) {
      Resolve(found, std::move(*response.mutable_response()), answers);
    } else {
      Refuse(found, ErrorOf(response), answers);
      tell = answers.empty();
    }
  }
  if (tell) changed_.notify_all();
  Give(std::move(answers));
}

// ---- thread_ --------------------------------------------------------------------------------------------------------

void PredictStream::Run() {
  std::unique_lock<std::mutex> lock(mu_);
  for (;;) {
    const Clock::time_point now = Clock::now();
    Answers answers;
    Expire(now, answers);
    Wake(now);
    if (connection_ != nullptr && (ended_ || stopping_ || Stalled(now))) CloseConnection(lock, answers);
    if (stopping_) {
      for (auto pending = pending_.begin(); pending != pending_.end(); pending = pending_.begin()) {
        Resolve(pending, absl::CancelledError("the stream of predictions is being closed"), answers);
      }
    } else if (connection_ == nullptr && !queue_.empty() && now >= connect_at_) {
      ++connections_;
      unanswered_ = 0;
      writing_ = false;
      ended_ = false;
      lock.unlock();
      std::shared_ptr<Connection> connection = Connect();
      lock.lock();
      connection_ = std::move(connection);
    }
    const bool write = connection_ != nullptr && !queue_.empty();
    if (write || !answers.empty()) {
      lock.unlock();
      Give(std::move(answers));
      if (write) WriteNext();
      lock.lock();
    }
    if (stopping_ && connection_ == nullptr && pending_.empty()) return;
    if ((ended_ && connection_ != nullptr) || stopping_) continue;
    wakes_at_ = NextEvent();
    if (wakes_at_ == Clock::time_point::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, wakes_at_);
    }
  }
}

std::shared_ptr<PredictStream::Connection> PredictStream::Connect() {
  return std::make_shared<Connection>(
      [this](grpc::ClientContext* context, Connection::Reactor* reactor) {
        stub_.async()->PredictStream(context, reactor);
      },
      StreamListener<v1::PredictStreamResponse>{
          .on_response = [this](v1::PredictStreamResponse& response) { OnResponse(response); },
          .on_written = [this] { OnWritten(); },
          .on_end =
              [this] {
                {
                  std::lock_guard<std::mutex> lock(mu_);
                  ended_ = true;
                }
                changed_.notify_all();
              }});
}

void PredictStream::CloseConnection(std::unique_lock<std::mutex>& lock, Answers& answers) {
  const bool stalled = !ended_ && !stopping_;
  const std::shared_ptr<Connection> connection = connection_;
  const bool cancel = !ended_;
  ended_ = true;  // Nobody begins a write any more.
  lock.unlock();
  if (cancel) connection->Cancel();  // So that a write that flow control holds back ends.
  lock.lock();
  changed_.wait(lock, [this] { return !writing_; });
  lock.unlock();
  absl::Status status = connection->Close(cancel);
  lock.lock();
  connection_ = nullptr;
  if (stopping_) return;
  if (stalled) {
    status = absl::UnavailableError(
        absl::StrCat("the server answered nothing for ", absl::FormatDuration(options_.stall_timeout)));
  } else if (status.ok()) {
    status = absl::UnavailableError("the server ended the stream");
  }
  Break(status, answers);
}

// ---- state, with mu_ held -------------------------------------------------------------------------------------------

void PredictStream::Resolve(PendingMap::iterator pending, Answer answer, Answers& answers) {
  answers.emplace_back(std::move(pending->second.done), std::move(answer));
  deadlines_.erase(pending->second.deadline_entry);
  pending_.erase(pending);
}

void PredictStream::Expire(Clock::time_point now, Answers& answers) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto found = pending_.find(deadlines_.begin()->second);
    const Pending& pending = found->second;
    if (pending.place != Place::kSent && !pending.last_error.ok()) {
      Resolve(found, GaveUp(pending), answers);
    } else if (pending.place != Place::kSent && connection_ == nullptr && !trouble_.ok()) {
      Resolve(found, trouble_, answers);
    } else {
      Resolve(
          found,
          absl::DeadlineExceededError(absl::StrCat(
              "server ", options_.server, pending.place == Place::kSent ? " did not answer" : " was too busy to ask",
              " within ", absl::FormatDuration(pending.timeout))),
          answers);
    }
  }
}

void PredictStream::Wake(Clock::time_point now) {
  while (!resting_.empty() && resting_.begin()->first <= now) {
    const auto found = pending_.find(resting_.begin()->second);
    if (found != pending_.end()) {
      found->second.place = Place::kQueued;
      queue_.push_back(found->first);
    }
    resting_.erase(resting_.begin());
  }
}

void PredictStream::Refuse(PendingMap::iterator pending, absl::Status status, Answers& answers) {
  if (!WorthRetrying(status)) return Resolve(pending, std::move(status), answers);
  Pending& refused = pending->second;
  ++refused.tries;
  refused.last_error = std::move(status);
  if (refused.backoff == nullptr) refused.backoff = std::make_unique<Backoff>(options_.backoff);
  const Clock::time_point retry_at = Clock::now() + absl::ToChronoNanoseconds(refused.backoff->Next());
  if (retry_at >= refused.deadline) return Resolve(pending, GaveUp(refused), answers);
  refused.place = Place::kResting;
  resting_.emplace(retry_at, pending->first);
}

void PredictStream::Break(const absl::Status& status, Answers& answers) {
  trouble_ = absl::Status(status.code(), absl::StrCat("server ", options_.server, ": ", status.message()));
  connect_at_ = Clock::now() + absl::ToChronoNanoseconds(connect_backoff_.Next());
  if (IsTooLarge(status)) FailLargest(status, answers);
  std::vector<uint64_t> again;
  for (auto next = pending_.begin(); next != pending_.end();) {
    const auto pending = next++;
    Pending& waiting = pending->second;
    if (waiting.place == Place::kResting) continue;
    if (!WorthRetrying(status)) {
      Resolve(pending, status, answers);
      continue;
    }
    if (waiting.place == Place::kSent && !options_.send_again) {
      Resolve(pending, absl::UnavailableError(trouble_.message()), answers);
      continue;
    }
    ++waiting.tries;
    waiting.last_error = status;
    if (waiting.deadline <= connect_at_) {
      Resolve(pending, GaveUp(waiting), answers);
    } else if (waiting.place == Place::kSent) {
      waiting.place = Place::kQueued;
      again.push_back(pending->first);
    }
  }
  // What was sent first goes first again.
  std::sort(again.begin(), again.end());
  queue_.insert(queue_.begin(), again.begin(), again.end());
}

void PredictStream::FailLargest(const absl::Status& status, Answers& answers) {
  auto largest = pending_.end();
  size_t bytes = 0;
  for (auto pending = pending_.begin(); pending != pending_.end(); ++pending) {
    if (pending->second.place != Place::kSent || pending->second.message->ByteSizeLong() < bytes) continue;
    largest = pending;
    bytes = pending->second.message->ByteSizeLong();
  }
  if (largest == pending_.end()) return;
  Resolve(largest,
          absl::InvalidArgumentError(absl::StrCat("a request of ", bytes, " bytes is larger than server ",
                                                  options_.server, " takes: ", status.message())),
          answers);
}

absl::Status PredictStream::GaveUp(const Pending& pending) const {
  return absl::Status(
      pending.last_error.code(),
      absl::StrCat("server ", options_.server, ": ", pending.last_error.message(), " (gave up after ", pending.tries,
                   pending.tries == 1 ? " try" : " tries", " in ", absl::FormatDuration(pending.timeout), ")"));
}

bool PredictStream::Stalled(Clock::time_point now) const {
  return unanswered_ > 0 && now - last_progress_ >= absl::ToChronoNanoseconds(options_.stall_timeout);
}

PredictStream::Clock::time_point PredictStream::NextEvent() const {
  Clock::time_point next = Clock::time_point::max();
  if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
  if (!resting_.empty()) next = std::min(next, resting_.begin()->first);
  if (connection_ == nullptr && !queue_.empty()) next = std::min(next, connect_at_);
  if (connection_ != nullptr && unanswered_ > 0) {
    next = std::min(next, last_progress_ + absl::ToChronoNanoseconds(options_.stall_timeout));
  }
  return next;
}

}  // namespace polyscene::client
