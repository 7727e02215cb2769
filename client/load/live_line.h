// How a run goes, on standard error while it runs.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "client/load/load_run.h"

namespace polyscene::load {

// Tells, from a thread of its own, once a second on a terminal (over itself), else every five seconds.
class LiveLine {
 public:
  LiveLine(std::string title, const LoadRun& run);  // The run outlives this object.
  ~LiveLine();                                      // Clears the line.

 private:
  void Run();

  const std::string title_;
  const LoadRun& run_;
  const bool terminal_;
  std::mutex mu_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;  // Guarded by mu_.
  std::thread thread_;     // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene::load
