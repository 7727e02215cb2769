// The simulated rows as batches of one scene each, ready for a server.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/simulator/schema.h"
#include "client/simulator/simulated_row.h"
#include "model/data/event_reader.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene::simulator {

// What of the marketplace a model learns. It may leave out features and tasks; what it has must be what is simulated.
struct MarketplaceModel {
  struct SceneColumns {
    std::vector<const SimulatedFeature*> features;
    std::vector<const SimulatedTask*> tasks;
  };
  std::array<SceneColumns, kScenes> scenes;  // Indexed by Scene.

  // kInvalidArgument: a scene of the marketplace is missing, a feature has another type or side, or is required and not
  // simulated, a task is of another kind or width or is not simulated. Lists everything that does not fit, with what
  // was expected.
  static absl::StatusOr<MarketplaceModel> Of(const v1::ModelFile& model);
};

// Gathers rows into one table a scene. Not thread-safe.
class EventTables {
 public:
  explicit EventTables(MarketplaceModel model);

  void Add(const SimulatedRow& row);
  int64_t rows() const { return rows_; }  // Added since the last Take().

  // The tables of all scenes that have rows, at most one each; none is left.
  std::vector<EventTable> Take();

 private:
  EventTable NewTable(Scene scene) const;

  const MarketplaceModel model_;
  std::array<EventTable, kScenes> tables_;
  int64_t rows_ = 0;
  int64_t total_rows_ = 0;  // Ever added: what stands for a line number.
};

}  // namespace polyscene::simulator
