// Labels that wait for their time, and the batches they go out in.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <queue>
#include <vector>

#include "client/feed/event_feed.h"
#include "client/replay/remembered_request.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/training.pb.h"

namespace polyscene::replay {

struct DueLabels {
  std::shared_ptr<const RememberedRequest> request;
  OpenLabels labels;
};

// Not thread-safe.
class LabelSchedule {
 public:
  void Add(DueLabels labels);

  // When the earliest are known; the largest number where there are none.
  int64_t next_at() const { return waiting_.empty() ? std::numeric_limits<int64_t>::max() : waiting_.top().at; }
  size_t size() const { return waiting_.size(); }

  // Takes out up to `max_rows` of those that are known at or before `time`, the earliest first, of equal ones the one
  // that was added first.
  std::vector<DueLabels> TakeDue(int64_t time, size_t max_rows);

 private:
  struct Waiting {
    int64_t at = 0;
    uint64_t number = 0;
    std::shared_ptr<DueLabels> labels;
    bool operator<(const Waiting& other) const {  // The queue's top is the largest.
      return at != other.at ? at > other.at : number > other.number;
    }
  };
  std::priority_queue<Waiting> waiting_;
  uint64_t added_ = 0;
};

// One row each.
v1::LabelBatch BatchOf(const ModelSpec& spec, const std::vector<DueLabels>& rows);

// Where they come from.
cli::RowOrigins OriginsOf(const std::vector<DueLabels>& rows);

}  // namespace polyscene::replay
