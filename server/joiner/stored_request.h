// A remembered request, read from the store. Private to this folder.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/record.pb.h"

namespace polyscene {

// Immutable, with what it takes to find one row's values.
struct StoredRequest {
  struct ColumnOf {
    const v1::Column* column = nullptr;
    int feature = 0;               // Index into ModelSpec::features().
    bool one_row = false;          // Context of a scene with candidates: every row's.
    std::vector<uint32_t> starts;  // Of a sequence: where each row's values begin.
  };
  struct ServedOf {
    const v1::ServedScores* scores = nullptr;
    int task = 0;
  };

  std::string id;
  v1::RememberedRequest message;
  size_t bytes = 0;               // Serialized.
  int scene = -1;                 // Index into ModelSpec::scenes(); -1: the model file does not have it any more.
  std::vector<ColumnOf> columns;  // Of features that the scene still has.
  std::vector<ServedOf> served;   // Likewise of tasks.

  // kDataLoss: `bytes` hold no such message, or one whose columns do not fit its rows.
  static absl::StatusOr<std::shared_ptr<const StoredRequest>> Parse(const ModelSpec& spec, absl::string_view id,
                                                                    const std::string& bytes);
};

// Keeps requests that were read last, up to some megabytes: labels of one request tend to come together.
class RequestCache {
 public:
  std::shared_ptr<const StoredRequest> Find(absl::string_view id);  // Null: not here.
  void Add(std::shared_ptr<const StoredRequest> request);
  void Remove(absl::string_view id);
  void Clear();

 private:
  using Order = std::list<std::shared_ptr<const StoredRequest>>;  // Last used first.

  Order order_;
  absl::flat_hash_map<std::string, Order::iterator> by_id_;
  size_t bytes_ = 0;
};

}  // namespace polyscene
