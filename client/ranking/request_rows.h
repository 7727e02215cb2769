// A file of many requests, one request's rows at a time.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/ranking/scene_rows.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene::cli {

// Rows that follow each other and share their scene and request id are one request. A row without an id, and every row
// of a file without such a column, is a request of its own; rows of a scene without candidate features, each of which
// is scored by itself, go together whatever their ids. Not thread-safe.
class RequestRows {
 public:
  // scenes: as SceneRows::Open(). The id stands in the model file's request_id_column. `model` must outlive this
  // object. Errors as SceneRows::Open().
  static absl::StatusOr<std::unique_ptr<RequestRows>> Open(const std::string& path, const v1::ModelFile& model,
                                                           const std::vector<std::string>& scenes);

  struct Request {
    const v1::Scene* scene = nullptr;
    RowSet rows;
  };

  // False at the end. Errors as SceneRows::Next().
  absl::StatusOr<bool> Next(Request* request);

  const RowStream& stream() const { return rows_->stream(); }
  bool has_ids() const { return id_column_ >= 0; }

 private:
  RequestRows(const v1::ModelFile& model, std::unique_ptr<SceneRows> rows) : model_(model), rows_(std::move(rows)) {}
  bool Continues(const Request& request) const;  // Whether next_ is one more row of it.

  const v1::ModelFile& model_;
  std::unique_ptr<SceneRows> rows_;
  int id_column_ = -1;
  SceneRows::Row next_;    // The next request's first row,
  bool has_next_ = false;  // where there is one.
};

}  // namespace polyscene::cli
