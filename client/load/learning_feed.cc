#include "client/load/learning_feed.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/feed/event_feed.h"
#include "client/lib/encode.h"
#include "client/lib/event_stream.h"

namespace polyscene::load {
namespace {

constexpr absl::Duration kLookInterval = absl::Milliseconds(5);  // At what is learned, while the backlog is full.

client::EventStreamOptions StreamOptions(const std::string& server) {
  client::EventStreamOptions options;
  options.server = server;
  options.producer_id = cli::MakeProducerId();
  options.poll_interval = absl::Milliseconds(50);
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LearningFeed>> LearningFeed::Start(LearningFeedOptions options,
                                                                  const v1::ModelFile& model) {
  absl::StatusOr<std::unique_ptr<EventReader>> reader = EventReader::Open(options.file, model);
  if (!reader.ok()) return reader.status();
  std::unique_ptr<LearningFeed> feed(new LearningFeed(std::move(options), model, *std::move(reader)));
  feed->thread_ = std::thread([raw = feed.get()] { raw->Run(); });
  return feed;
}

LearningFeed::LearningFeed(LearningFeedOptions options, v1::ModelFile model, std::unique_ptr<EventReader> reader)
    : options_(std::move(options)),
      model_(std::move(model)),
      reader_(std::move(reader)),
      client_(client::ClientOptions{.server = options_.server}) {}

LearningFeed::~LearningFeed() { Stop(absl::ZeroDuration()).IgnoreError(); }

absl::StatusOr<uint64_t> LearningFeed::Learned() {
  if (absl::Status status = error(); !status.ok()) return status;
  const absl::StatusOr<v1::GetStatusResponse> status = client_.GetStatus();
  if (!status.ok()) return status.status();
  return status->events_learned();
}

absl::Status LearningFeed::Stop(absl::Duration patience) {
  patience_seconds_ = absl::ToInt64Seconds(patience);
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  return error();
}

absl::Status LearningFeed::error() const {
  std::lock_guard<std::mutex> lock(mu_);
  return error_;
}

void LearningFeed::Run() {
  const absl::Status status = Feed();
  std::lock_guard<std::mutex> lock(mu_);
  error_ = status.ok() ? status : absl::Status(status.code(), absl::StrCat(options_.file, ": ", status.message()));
}

absl::Status LearningFeed::Feed() {
  client::EventStream stream(StreamOptions(options_.server));
  const absl::Time start = absl::Now();
  int64_t rows_sent = 0, rows_of_pass = 0;
  EventTable table;
  while (!stopping_) {
    const absl::StatusOr<bool> more = reader_->Next(&table);
    if (!more.ok()) return more.status();
    if (!*more) {
      if (rows_of_pass == 0) return absl::InvalidArgumentError("has no row that can be learned");
      rows_of_pass = 0;
      absl::StatusOr<std::unique_ptr<EventReader>> again = EventReader::Open(options_.file, model_);
      if (!again.ok()) return again.status();
      reader_ = *std::move(again);
      continue;
    }
    rows_sent += table.rows();
    rows_of_pass += table.rows();
    const absl::Time due =
        options_.rate > 0 ? start + absl::Seconds(static_cast<double>(rows_sent) / options_.rate) : start;
    while (!stopping_ && (absl::Now() < due || rows_sent - stream.progress().rows_learned > options_.backlog)) {
      const absl::Status status = stream.WaitFor(client::Milestone::kServed, absl::Now() + kLookInterval);
      if (!status.ok() && !absl::IsDeadlineExceeded(status)) return status;
      if (status.ok()) absl::SleepFor(std::min(due - absl::Now(), kLookInterval));  // All is served: the rate it is.
    }
    if (stopping_) break;
    if (const absl::StatusOr<uint64_t> sent = stream.Send(client::EncodeBatch(std::move(table))); !sent.ok()) {
      return sent.status();
    }
    stream.TakeRejected();  // They are not this program's to tell; `polyscene stream` does.
  }
  const absl::Status learned =
      stream.Finish(client::Milestone::kLearned, absl::Now() + absl::Seconds(patience_seconds_.load()));
  return absl::IsDeadlineExceeded(learned) ? absl::OkStatus() : learned;
}

}  // namespace polyscene::load
