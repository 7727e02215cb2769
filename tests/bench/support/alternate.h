// Arms of a comparison, measured in turn: what else the machine does meets them all.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/support/machine.h"
#include "tests/bench/support/statistics.h"

namespace polyscene {

struct Arm {
  Arm(std::string arm_name, std::function<void()> arm_call) : name(std::move(arm_name)), call(std::move(arm_call)) {}

  std::string name;
  std::function<void()> call;   // What is timed.
  std::vector<double> seconds;  // Of every call, in all its windows: the arm's pool.
  std::vector<double> windows;  // The median call of each window.
};

struct Windows {
  int pairs = 12;
  double seconds = 0.1;  // Of a window; at least kLeastCalls calls are in it.
  static constexpr int kLeastCalls = 3;
};

// Each round gives every arm a window, and begins with another one; one more before them warms up. So windows[i] of two
// arms are a pair.
inline void Alternate(std::vector<Arm>& arms, const Windows& windows) {
  for (int round = -1; round < windows.pairs; ++round) {
    for (size_t turn = 0; turn < arms.size(); ++turn) {
      Arm& arm = arms[(turn + static_cast<size_t>(round + 1)) % arms.size()];
      arm.call();  // Brings the arm's memory back into the caches that others used.
      std::vector<double> calls;
      for (const Stopwatch window;
           static_cast<int>(calls.size()) < Windows::kLeastCalls || window.seconds() < windows.seconds;) {
        const Stopwatch watch;
        arm.call();
        calls.push_back(watch.seconds());
      }
      if (round < 0) continue;
      arm.windows.push_back(Median(calls));
      arm.seconds.insert(arm.seconds.end(), calls.begin(), calls.end());
    }
  }
}

}  // namespace polyscene
