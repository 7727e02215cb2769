#include "server/joiner/stored_request.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr size_t kCacheBytes = 8 << 20;  // Serialized; parsed they take about twice as much.

bool Fits(const v1::Column& column, bool sequence, uint32_t rows) {
  const int values = column.ints_size() + column.floats_size() + column.strings_size();
  if (!column.missing_rows().empty() && column.missing_rows(column.missing_rows_size() - 1) >= rows) return false;
  if (!sequence) return values == static_cast<int>(rows) && column.lengths().empty();
  uint64_t sum = 0;
  for (const uint32_t length : column.lengths()) sum += length;
  return column.lengths_size() == static_cast<int>(rows) && sum == static_cast<uint64_t>(values);
}

std::vector<uint32_t> StartsOf(const v1::Column& column) {
  std::vector<uint32_t> starts;
  starts.reserve(static_cast<size_t>(column.lengths_size()));
  uint32_t start = 0;
  for (const uint32_t length : column.lengths()) {
    starts.push_back(start);
    start += length;
  }
  return starts;
}

// False: the request cannot be what was stored.
bool ReadColumns(const ModelSpec& spec, const google::protobuf::RepeatedPtrField<v1::Column>& columns, uint32_t rows,
                 bool one_row, StoredRequest* request) {
  for (const v1::Column& column : columns) {
    const int feature = spec.FindFeature(column.name());
    if (feature < 0 || !spec.scenes()[request->scene].has_feature[feature]) continue;  // Another model file's.
    if (!Fits(column, spec.features()[feature].sequence, one_row ? 1 : rows)) return false;
    request->columns.push_back({&column, feature, one_row, StartsOf(column)});
  }
  return true;
}

bool ReadServed(const ModelSpec& spec, StoredRequest* request) {
  for (const v1::ServedScores& scores : request->message.served()) {
    const int task = spec.FindTask(scores.task());
    if (task < 0 || !spec.scenes()[request->scene].has_task[task]) continue;
    const uint64_t expected = uint64_t{request->message.rows()} * static_cast<uint64_t>(spec.tasks()[task].outputs);
    if (static_cast<uint64_t>(scores.values_size()) != expected) return false;
    request->served.push_back({&scores, task});
  }
  return true;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const StoredRequest>> StoredRequest::Parse(const ModelSpec& spec, absl::string_view id,
                                                                          const std::string& bytes) {
  auto request = std::make_shared<StoredRequest>();
  request->id = std::string(id);
  request->bytes = bytes.size();
  bool good = request->message.ParseFromString(bytes) && request->message.format_version() == 1;
  if (good) request->scene = spec.FindScene(request->message.scene());
  if (good && request->scene >= 0) {
    const uint32_t rows = request->message.rows();
    const bool one_row = spec.scenes()[request->scene].has_candidates;
    good = ReadColumns(spec, request->message.context(), rows, one_row, request.get()) &&
           ReadColumns(spec, request->message.candidates(), rows, /*one_row=*/false, request.get()) &&
           ReadServed(spec, request.get());
  }
  if (good) return std::shared_ptr<const StoredRequest>(std::move(request));
  return absl::DataLossError(
      absl::StrCat("remembered request '", id, "': its ", bytes.size(), " bytes cannot be parsed"));
}

std::shared_ptr<const StoredRequest> RequestCache::Find(absl::string_view id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return *found->second;
}

void RequestCache::Add(std::shared_ptr<const StoredRequest> request) {
  Remove(request->id);
  bytes_ += request->bytes;
  order_.push_front(std::move(request));
  by_id_[order_.front()->id] = order_.begin();
  while (bytes_ > kCacheBytes && order_.size() > 1) Remove(std::string(order_.back()->id));
}

void RequestCache::Remove(absl::string_view id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  bytes_ -= (*found->second)->bytes;
  order_.erase(found->second);
  by_id_.erase(found);
}

void RequestCache::Clear() {
  order_.clear();
  by_id_.clear();
  bytes_ = 0;
}

}  // namespace polyscene
