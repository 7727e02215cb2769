// Load on a server in short windows, by what `polyscene bench` is made of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/load/load_run.h"
#include "client/load/random_requests.h"
#include "client/load/unary_caller.h"

namespace polyscene {

// The model file's text, as of the file at `path`. Ends the program where it cannot be read.
v1::ModelFile ReadModelFile(const std::string& path);

// One server's caller: connections and requests made ready. Not thread-safe.
class ServerLoad {
 public:
  // Waits until the server is there. name: for messages.
  ServerLoad(std::string name, const std::string& address, std::vector<load::PreparedRequest> pool,
             int connections = 1);

  // Ends the program where a request fails: a figure that leaves some out says nothing.
  load::LoadResult Run(const load::LoadOptions& options);
  load::LoadResult ClosedLoop(int concurrency, double seconds);
  load::LoadResult OpenLoop(double rate, double seconds);

 private:
  const std::string name_;
  const std::vector<load::PreparedRequest> pool_;
  std::unique_ptr<load::UnaryCaller> caller_;
};

double RequestsPerSecond(const load::LoadResult& result);
double P99Millis(const load::LoadResult& result);

}  // namespace polyscene
