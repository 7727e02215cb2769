// One run of polyscene-server, which may be killed at any moment.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace polyscene {

struct ServerCommand {
  std::string program;
  std::vector<std::string> arguments;
  std::string errors_path;  // Standard error is appended there.
  std::string fault;        // POLYSCENE_FAULT, see model/fault/fault_point.h. Empty: none.
};

// Not thread-safe. A process that still runs is killed by the destructor.
class ServerProcess {
 public:
  explicit ServerProcess(const ServerCommand& command);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Until it has said "serving version ...".  kDeadlineExceeded, or kAborted if it ended instead.
  absl::Status WaitUntilServing(absl::Duration timeout);

  // Whether it ends within `timeout`; it is then gone. How: see end().
  bool WaitForEnd(absl::Duration timeout);

  // Sends the signal and waits for the end. False: it goes on after `timeout`.
  bool Signal(int number, absl::Duration timeout);

  pid_t process() const { return process_; }  // -1 once it has ended.

  // What waitpid() told; nothing while it runs.
  std::optional<int> end() const { return end_; }
  std::string EndText() const;  // "exit status 0", "signal 9".

 private:
  pid_t process_ = -1;
  int handle_ = -1;  // A pidfd: becomes readable when the process ends.
  int output_ = -1;  // Its standard output.
  std::string said_;
  std::optional<int> end_;
};

// A port of loopback that nobody listens on now.
int FreePort();

}  // namespace polyscene
