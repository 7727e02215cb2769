// Rows of a file, and which scene each is of.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/ranking/row_stream.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene::cli {

// Not thread-safe.
class SceneRows {
 public:
  // scenes: whose rows are read, the others are passed over; empty: all. A file without a scene column is of the only
  // scene that is asked for, or that there is.
  //   kInvalidArgument  a scene that the model does not have; no scene column, and several scenes
  //   else              RowStream::Open's errors
  // `model` must outlive this object.
  static absl::StatusOr<std::unique_ptr<SceneRows>> Open(const std::string& path, const v1::ModelFile& model,
                                                         const std::vector<std::string>& scenes);

  struct Row {
    const v1::Scene* scene = nullptr;
    RowSet::Row row;
  };

  // False at the end. kInvalidArgument: a line that cannot be read or, where all scenes are read, whose scene the model
  // does not have.
  absl::StatusOr<bool> Next(Row* row);

  const RowStream& stream() const { return *stream_; }

 private:
  SceneRows(const v1::ModelFile& model, std::unique_ptr<RowStream> stream)
      : model_(model), stream_(std::move(stream)) {}
  absl::StatusOr<const v1::Scene*> Find(const std::string& name) const;

  const v1::ModelFile& model_;
  std::unique_ptr<RowStream> stream_;
  int scene_column_ = -1;
  std::vector<const v1::Scene*> wanted_;
  bool passes_over_ = false;  // Rows of other scenes, whatever they are called.
};

}  // namespace polyscene::cli
