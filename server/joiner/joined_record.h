// Gathers rows of remembered requests into one record of events. Private to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/record.pb.h"
#include "server/joiner/stored_request.h"

namespace polyscene {

// Of one scene. Values are copied bit by bit, what stands in missing rows too. A column that one request has and
// another has not is missing in the rows of that one.
class JoinedRecord {
 public:
  struct Label {
    int task = 0;
    absl::Span<const float> values;  // [label width]
  };
  struct Row {
    const StoredRequest* request = nullptr;
    uint32_t row = 0;       // Of the request.
    uint32_t position = 0;  // 0: unknown.
    float weight = 1;
    absl::Span<const Label> labels;
    bool correction = false;
  };

  JoinedRecord(const ModelSpec& spec, int scene);

  void Add(const Row& row);
  uint32_t rows() const { return rows_; }
  size_t value_bytes() const { return value_bytes_; }  // Of the features' values: most of what it takes.
  int scene() const { return scene_; }

  v1::LogRecord Take();  // Events and `joined`; once. Header, producer and sequence are the caller's.

 private:
  // The feature's column, made where it is the first row with one, and filled up to the row at hand.
  int ColumnFor(int feature);
  void AddColumns(const Row& row);
  void AddLabels(const Row& row);
  void AddServed(const Row& row);

  const ModelSpec& spec_;
  const int scene_;
  uint32_t rows_ = 0;
  size_t value_bytes_ = 0;
  bool weighted_ = false;
  v1::LogRecord record_;
  std::vector<float> weights_;
  // Index within the record of a feature's column and of a task's labels and scores; -1: none yet.
  std::vector<int> column_of_feature_, labels_of_task_, served_of_task_;
  std::vector<uint32_t> column_rows_, labels_rows_, served_rows_;  // How many rows each of these has.
  std::vector<int> position_features_;                             // Of the scene: filled from rows' positions.
  absl::flat_hash_map<std::string, uint32_t> requests_;            // Id -> index into joined.request_ids.
};

}  // namespace polyscene
