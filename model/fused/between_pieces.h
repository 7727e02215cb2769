// What a step calls between its pieces, so that it can make way for others.
#pragma once

#include <functional>
#include <utility>

namespace polyscene {

// Not thread-safe: the thread that steps has it to itself.
class BetweenPieces {
 public:
  void Set(std::function<void()> call) { call_ = std::move(call); }
  void operator()() const {
    if (call_) call_();
  }

 private:
  std::function<void()> call_;
};

}  // namespace polyscene
