// Requests made of a file's rows.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/load/caller.h"
#include "client/load/random_requests.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene::load {

// Cuts the rows of each scene, in the file's order, into requests of `options.candidates` rows, whose first row gives
// the context, and reads no further than the pool's requests need. A scene that the file has fewer rows of makes one
// smaller request. Labels and whatever else the model does not take in are passed over.
//   kInvalidArgument  no row of the scenes asked for; a value that is none of its feature's type; names the line
//   else              SceneRows::Open's errors
absl::StatusOr<std::vector<PreparedRequest>> FileRequests(const std::string& path, const v1::ModelFile& model,
                                                          const PoolOptions& options);

}  // namespace polyscene::load
