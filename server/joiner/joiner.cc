#include "server/joiner/joiner.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "server/eventlog/big_endian.h"

namespace polyscene {
namespace {

constexpr char kTotals[] = "joiner";  // In the family of numbers: five of them.
constexpr uint64_t kTidyBytes = 64 << 20;

std::string ToBytes(const JoinerTotals& totals) {
  return absl::StrCat(BigEndian(totals.requests), BigEndian(totals.bytes), BigEndian(totals.waiting_rows),
                      BigEndian(static_cast<uint64_t>(totals.clock_micros)),
                      BigEndian(static_cast<uint64_t>(totals.replay_micros)));
}

absl::StatusOr<JoinerTotals> FromBytes(absl::string_view bytes) {
  uint64_t numbers[5];
  for (size_t i = 0; i < std::size(numbers); ++i) {
    const std::optional<uint64_t> number = FromBigEndian(bytes, 8 * i);
    if (!number.has_value()) {
      return absl::DataLossError(absl::StrCat("joiner: its totals have ", bytes.size(), " bytes, expected 40"));
    }
    numbers[i] = *number;
  }
  return JoinerTotals{numbers[0], numbers[1], numbers[2], static_cast<int64_t>(numbers[3]),
                      static_cast<int64_t>(numbers[4])};
}

bool SameStore(const JoinerTotals& a, const JoinerTotals& b) {
  return a.requests == b.requests && a.bytes == b.bytes && a.waiting_rows == b.waiting_rows &&
         a.replay_micros == b.replay_micros;
}

}  // namespace

Joiner::Joiner(JoinerOptions options, Metrics& metrics, const Clock& clock)
    : options_(std::move(options)), metrics_(metrics), clock_(clock) {
  parts_.spec = options_.spec.get();
  parts_.windows = WindowsOf(*options_.spec);
  parts_.label_wait_micros = absl::ToInt64Microseconds(options_.label_wait);
}

absl::Status Joiner::Load(LogStore& store) {
  store_ = &store;
  parts_.store.Open(store);
  absl::StatusOr<std::optional<std::string>> bytes = parts_.store.Get(LogFamily::kMeta, kTotals);
  if (!bytes.ok()) return bytes.status();
  if (bytes->has_value()) {
    absl::StatusOr<JoinerTotals> totals = FromBytes(**bytes);
    if (!totals.ok()) return totals.status();
    durable_ = *totals;
  }
  staged_ = durable_;
  clock_.NotBefore(durable_.clock_micros);
  Publish();
  return absl::OkStatus();
}

absl::StatusOr<JoinResult> Joiner::Join(JoinInput input) {
  JoinOperation operation(parts_, staged_, clock_.NowMicros(), input.accepted_at_micros);
  if (const absl::Status status = Run(operation, std::move(input)); !status.ok()) {
    parts_.store.Undo();
    parts_.cache.Clear();
    parts_.due.Abandon();
    return status;
  }
  JoinResult result = operation.Finish();
  parts_.store.Keep();
  staged_ = operation.totals();
  group_.push_back(operation.done());
  return result;
}

absl::Status Joiner::Run(JoinOperation& operation, JoinInput input) {
  if (const auto* labels = std::get_if<v1::LabelBatch>(&input.what)) {
    return operation.Labels(input.producer_id, *labels);
  }
  if (const auto* exposures = std::get_if<v1::ExposureBatch>(&input.what)) {
    return operation.Exposures(input.producer_id, *exposures);
  }
  if (auto* request = std::get_if<RequestToRemember>(&input.what)) {
    if (staged_.bytes + request->bytes.size() > static_cast<uint64_t>(options_.max_remembered_bytes)) {
      return absl::ResourceExhaustedError(absl::StrCat("max_remembered_bytes: ", staged_.bytes,
                                                       " bytes of requests are remembered, the limit is ",
                                                       options_.max_remembered_bytes));
    }
    return operation.Remember(std::move(*request));
  }
  return operation.Sweep();
}

bool Joiner::Stage(rocksdb::WriteBatch* batch) {
  bool changed = parts_.store.Stage(batch);
  changed = changed || !SameStore(staged_, durable_);
  if (changed || suspect_totals_) {
    staged_.clock_micros = clock_.NowMicros();
    parts_.store.PutNow(LogFamily::kMeta, kTotals, ToBytes(staged_), batch);
  }
  return changed;
}

void Joiner::Commit() {
  parts_.store.Commit();
  parts_.due.Commit();
  durable_ = staged_;
  suspect_totals_ = false;
  for (const JoinerDone& done : group_) {
    for (const auto& [scene, rows] : done.logged) metrics_.EventsAccepted(scene, rows);
    for (const auto& [scene, reason] : done.refused) metrics_.EventsRejected(scene, reason, 1);
    metrics_.Joined(
        {done.joined_rows, done.repeated_labels, done.corrected_labels, done.assumed_negatives, done.expired_rows});
  }
  group_.clear();
  Publish();
}

void Joiner::Abandon() {
  parts_.store.Abandon();
  parts_.due.Abandon();
  parts_.cache.Clear();  // It may hold requests that were never stored.
  staged_ = durable_;
  suspect_totals_ = true;
  group_.clear();
}

void Joiner::Publish() {
  bytes_.store(static_cast<int64_t>(durable_.bytes), std::memory_order_relaxed);
  replay_micros_.store(durable_.replay_micros, std::memory_order_relaxed);
  metrics_.JoinerHolds(durable_.requests, durable_.bytes, durable_.waiting_rows);
}

absl::Status Joiner::Tidy() {
  // Compressed, living requests take about half of their bytes: beyond this, as much again is garbage.
  const uint64_t expected = static_cast<uint64_t>(remembered_bytes()) + kTidyBytes;
  return store_->RememberedDiskBytes() > expected ? store_->CompactRemembered() : absl::OkStatus();
}

bool Joiner::SweepDue() {
  const int64_t now = clock_.NowMicros();
  return parts_.due.Next(DeadlineKind::kLive) < now || parts_.due.Next(DeadlineKind::kWaiting) < now ||
         parts_.due.Next(DeadlineKind::kReplayed) < replay_micros_.load(std::memory_order_relaxed);
}

}  // namespace polyscene
