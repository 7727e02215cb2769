// The real programs, as a shell would run them.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

namespace polyscene {

struct ProgramResult {
  int exit_status = -1;  // -1: ended by a signal.
  std::string out;       // Standard output.
  std::string error;     // Standard error.
};

// Runs a program to its end; the first word is its path.
ProgramResult RunProgram(const std::vector<std::string>& words);

// A program that runs beside the test. Its standard error is the test's.
class BackgroundProgram {
 public:
  explicit BackgroundProgram(const std::vector<std::string>& words);
  ~BackgroundProgram();  // Asks it to stop (SIGTERM), and waits.
  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;

  // What follows `prefix` on the first line of standard output that begins with it; fails the test if the program ends
  // before.
  std::string WaitForLine(const std::string& prefix);

  int Stop();        // SIGTERM; its exit status. Idempotent.
  int WaitForEnd();  // Until it ends by itself; its exit status, -1: by a signal.

 private:
  pid_t pid_ = -1;
  FILE* out_ = nullptr;
  int exit_status_ = -1;
};

}  // namespace polyscene
