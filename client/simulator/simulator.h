// A marketplace that never was: users, items and queries with hidden tastes that drift, and the log their platform
// would keep.
#pragma once

#include <cstdint>
#include <vector>

#include "client/simulator/catalog.h"
#include "client/simulator/random.h"
#include "client/simulator/shoppers.h"
#include "client/simulator/simulated_row.h"

namespace polyscene::simulator {

struct SimulationOptions {
  int64_t rows = 200'000;  // Over all days together, at least 1.
  uint64_t seed = 1;
  int days = 60;  // 1 to 3,650. Simulated time from the first row to the last.
};

// Where simulated time begins: Monday, 2026-01-05, 00:00 UTC.
inline constexpr int64_t kFirstSecond = 1'767'571'200;
inline constexpr int64_t kSecondsPerDay = 86'400;

// Makes the marketplace's rows, in time order, request after request. The same options give the same rows on every
// machine whose mathematical functions agree. Not thread-safe.
class Simulator {
 public:
  explicit Simulator(SimulationOptions options);

  // Replaces `rows` by the rows of the next request. False, and no rows, once all of options.rows came.
  bool Next(std::vector<SimulatedRow>& rows);

  // Replaces `rows` by one request to be ranked, after the last day: `candidates` rows that nobody has seen yet, whose
  // labels are what would follow. Recommendation and search take turns.
  void RankingRequest(int candidates, std::vector<SimulatedRow>& rows);

  // The same, of a given scene; of behaviour: so many users who come back, each a request of its own.
  void FutureRequest(Scene scene, int candidates, std::vector<SimulatedRow>& rows);

  int64_t rows_made() const { return rows_made_; }
  const SimulationOptions& options() const { return options_; }
  const Catalog& catalog() const { return catalog_; }
  const Shoppers& shoppers() const { return shoppers_; }

 private:
  double TimeOf(double share);  // Day of the simulation when `share` of the rows have come; people sleep at night.
  Scene DrawScene();
  void MakeRequest(Scene scene, double day, int count, std::vector<SimulatedRow>& rows);
  SimulatedRow ContextRow(Scene scene, double day, int user, const Taste& taste);
  void AddVisit(const Taste& taste, SimulatedRow& row);
  void AddCandidate(double day, int user, const Taste& taste, int item, SimulatedRow& row);
  int DrawCandidate(const SimulatedRow& context, double day, const Taste& taste);

  const SimulationOptions options_;
  Catalog catalog_;
  Shoppers shoppers_;
  Random random_;
  int64_t rows_made_ = 0;
  int64_t requests_made_ = 0;
};

}  // namespace polyscene::simulator
