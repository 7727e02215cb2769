#include "server/rpc/event_intake.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/codec/codec.h"
#include "server/rpc/grpc_status.h"

namespace polyscene {
namespace {

constexpr size_t kMaxProducerBytes = 64;
// The learner keeps the evaluations of 64 producers; half of it leaves room for openings on their way to the log.
constexpr size_t kRememberedOpenings = 32;
// So that an acknowledgement which refuses all rows of a batch of the default size stays below gRPC's default of 4 MiB.
constexpr size_t kMaxReasonBytes = 240;

// What a batch came to: its acknowledgement and its counts.
struct Verdict {
  int scene = -1;
  v1::StreamEventsResponse response;
  std::map<absl::string_view, int64_t> rejected_rows;  // By reason.
};

void AddRejected(uint64_t sequence, int64_t row, absl::string_view reason, const std::string& message,
                 v1::StreamEventsResponse* response) {
  v1::RejectedRow* rejected = response->add_rejected();
  rejected->set_sequence(sequence);
  rejected->set_row(static_cast<uint32_t>(row));
  rejected->set_reason(std::string(reason));
  rejected->set_message(CutText(message, kMaxReasonBytes));
}

Verdict MakeVerdict(int scene, const std::vector<RowError>& errors, int64_t rows_came, uint64_t sequence,
                    int64_t rows_accepted) {
  Verdict verdict;
  verdict.scene = scene;
  verdict.response.set_accepted_sequence(sequence);
  verdict.response.set_accepted_rows(static_cast<uint64_t>(rows_accepted));
  for (const RowError& error : errors) {
    AddRejected(sequence, error.row, error.reason, error.message, &verdict.response);
    ++verdict.rejected_rows[error.reason];
  }
  // One error may stand for all rows of a batch.
  const int64_t rejected = rows_came - rows_accepted;
  if (errors.size() == 1 && rejected > 1) verdict.rejected_rows[errors[0].reason] = rejected;
  return verdict;
}

// Adds what the joiner refused to what was refused before it, in the order of rows. kept: see CheckedRows.
void AddJoinerRefusals(const Appended& appended, const std::vector<uint32_t>& kept,
                       v1::StreamEventsResponse* response) {
  for (const RefusedRow& refused : appended.refused) {
    AddRejected(response->accepted_sequence(), kept[refused.row], refused.reason, refused.message, response);
  }
  std::stable_sort(response->mutable_rejected()->begin(), response->mutable_rejected()->end(),
                   [](const v1::RejectedRow& a, const v1::RejectedRow& b) { return a.row() < b.row(); });
  response->set_accepted_rows(appended.accepted_rows);
}

}  // namespace

EventIntake::EventIntake(EventIntakeOptions options, EventLog& log, LearningControl& control, Metrics& metrics)
    : options_(std::move(options)),
      log_(log),
      control_(control),
      metrics_(metrics),
      budget_(options_.max_pending_bytes) {}

absl::Status EventIntake::CheckProducer(absl::string_view producer) {
  if (!producer.empty() && producer.size() <= kMaxProducerBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("producer_id: got ", producer.size(), " bytes, expected 1 to ", kMaxProducerBytes));
}

void EventIntake::Accept(const std::string& producer, v1::EventBatch batch, Acknowledge done) {
  const int64_t bytes = static_cast<int64_t>(batch.ByteSizeLong());
  const int64_t rows_came = batch.rows();
  const int scene = options_.spec->FindScene(batch.scene());
  v1::LogRecord record;
  record.set_producer_id(producer);
  *record.mutable_events() = std::move(batch);
  const std::vector<RowError> errors =
      AcceptEvents(*options_.spec, options_.hash_key, options_.max_batch_events, record.mutable_events());
  auto verdict = std::make_shared<Verdict>(
      MakeVerdict(scene, errors, rows_came, record.events().sequence(), record.events().rows()));

  budget_.Add(bytes);
  record.set_accepted_at_micros(absl::ToUnixMicros(absl::Now()));
  log_.Append(std::move(record), [this, verdict, bytes, done = std::move(done)](absl::StatusOr<Appended> appended) {
    if (appended.ok()) {
      verdict->response.set_known(appended->repeated);
      if (!appended->repeated) {
        metrics_.EventsAccepted(verdict->scene, static_cast<int64_t>(verdict->response.accepted_rows()));
        for (const auto& [reason, rows] : verdict->rejected_rows) metrics_.EventsRejected(verdict->scene, reason, rows);
        metrics_.LogEndOffset(appended->end_offset);
      }
      done(std::move(verdict->response));
    } else {
      done(appended.status());
    }
    budget_.Remove(bytes);
  });
}

void EventIntake::Accept(const std::string& producer, v1::LabelBatch batch, Acknowledge done) {
  const int64_t bytes = static_cast<int64_t>(batch.ByteSizeLong());
  const int64_t rows_came = RowsOf(batch);
  const uint64_t sequence = batch.sequence();
  CheckedRows checked = AcceptLabels(*options_.spec, options_.max_batch_events, &batch);
  JoinInput input;
  input.producer_id = producer;
  input.what = std::move(batch);
  Join(std::move(input), std::move(checked), sequence, rows_came, bytes, std::move(done));
}

void EventIntake::Accept(const std::string& producer, v1::ExposureBatch batch, Acknowledge done) {
  const int64_t bytes = static_cast<int64_t>(batch.ByteSizeLong());
  const int64_t rows_came = RowsOf(batch);
  const uint64_t sequence = batch.sequence();
  CheckedRows checked = AcceptExposures(options_.max_batch_events, &batch);
  JoinInput input;
  input.producer_id = producer;
  input.what = std::move(batch);
  Join(std::move(input), std::move(checked), sequence, rows_came, bytes, std::move(done));
}

void EventIntake::Join(JoinInput input, CheckedRows checked, uint64_t sequence, int64_t rows_came, int64_t bytes,
                       Acknowledge done) {
  auto verdict = std::make_shared<Verdict>(
      MakeVerdict(/*scene=*/-1, checked.errors, rows_came, sequence, static_cast<int64_t>(checked.kept.size())));
  budget_.Add(bytes);
  input.accepted_at_micros = absl::ToUnixMicros(absl::Now());
  log_.Join(std::move(input), [this, verdict, kept = std::move(checked.kept), bytes,
                               done = std::move(done)](absl::StatusOr<Appended> appended) {
    if (appended.ok()) {
      verdict->response.set_known(appended->repeated);
      if (!appended->repeated) {
        AddJoinerRefusals(*appended, kept, &verdict->response);
        for (const auto& [reason, rows] : verdict->rejected_rows) metrics_.EventsRejected(-1, reason, rows);
        metrics_.LogEndOffset(appended->end_offset);
      }
      done(std::move(verdict->response));
    } else {
      done(appended.status());
    }
    budget_.Remove(bytes);
  });
}

void EventIntake::OpenEvaluation(const std::string& producer, int64_t from_micros,
                                 std::function<void(absl::Status)> done) {
  const std::pair<std::string, int64_t> opening(producer, from_micros);
  bool open_already = false;
  {
    MutexLock lock(&mu_);
    open_already = std::find(opened_.begin(), opened_.end(), opening) != opened_.end();
    if (!open_already) {
      const auto same = [&producer](const auto& opened) { return opened.first == producer; };
      opened_.erase(std::remove_if(opened_.begin(), opened_.end(), same), opened_.end());
      opened_.push_back(opening);
      if (opened_.size() > kRememberedOpenings) opened_.pop_front();
    }
  }
  if (open_already) return done(absl::OkStatus());
  v1::LogRecord record;
  record.set_producer_id(producer);
  record.set_accepted_at_micros(absl::ToUnixMicros(absl::Now()));
  record.mutable_evaluation()->set_from_micros(from_micros);
  log_.Append(std::move(record), [this, opening, done = std::move(done)](absl::StatusOr<Appended> appended) {
    if (appended.ok()) {
      metrics_.LogEndOffset(appended->end_offset);
    } else {
      MutexLock lock(&mu_);
      opened_.erase(std::remove(opened_.begin(), opened_.end(), opening), opened_.end());
    }
    done(appended.status());
  });
}

v1::Watermark EventIntake::WatermarkOf(const std::string& producer) const {
  const LearningPositions positions = control_.Positions();
  return log_.WatermarkOf(producer, positions.learned_offset, positions.served_offset);
}

}  // namespace polyscene
