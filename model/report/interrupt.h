// Ctrl-C (and SIGTERM): the first asks, the second ends the process.
#pragma once

#include <filesystem>

namespace polyscene {

// Signals belong to the process, so there is one of it. From now on the first signal writes `answer` to standard error
// and makes Interrupted() true; a second removes what is half written and ends the process as the signal would have.
// answer: lives as long as the process.
void CatchInterrupts(const char* answer = "");

// Any thread.
bool Interrupted();

// While it lives, `file` (and `directory`, if it is empty then) are what a second signal removes. One thread; up to
// four at once.
class HalfWritten {
 public:
  explicit HalfWritten(const std::filesystem::path& file, const std::filesystem::path& directory = {});
  ~HalfWritten();
  HalfWritten(const HalfWritten&) = delete;
  HalfWritten& operator=(const HalfWritten&) = delete;

 private:
  int place_ = -1;
};

}  // namespace polyscene
