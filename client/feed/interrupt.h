// Ctrl-C (and SIGTERM): the first asks, the second ends the process.
#pragma once

#include <string>

namespace polyscene::cli {

// Signals belong to the process, so there is one of it. From now on the first signal writes `answer` to standard error
// and makes Interrupted() true; a second removes what is half written and ends the process as the signal would have.
// answer: lives as long as the process.
void CatchInterrupts(const char* answer);

// Any thread.
bool Interrupted();

// While it lives, `file` is what a second signal removes. One at a time.
class HalfWritten {
 public:
  explicit HalfWritten(const std::string& file);
  ~HalfWritten();
  HalfWritten(const HalfWritten&) = delete;
  HalfWritten& operator=(const HalfWritten&) = delete;
};

}  // namespace polyscene::cli
