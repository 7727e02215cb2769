// The data of the field's classic program: two numbers in, one level out.
#pragma once

#include <cstdint>
#include <string>

#include "client/simulator/random.h"

namespace polyscene::simulator {

// Rows of `user_interest,item_feature,user_behavior`. How near an item is to what a user is interested in, and how good
// it is, say how far the user goes with it, 0 (nothing) to 4 (bought); a neighbouring level is often as likely, so that
// no model is right every time. A function of the seed. Not thread-safe.
class ClassicRows {
 public:
  explicit ClassicRows(uint64_t seed) : random_(seed, /*stream=*/0xC1A551C) {}

  static const char* Header() { return "user_interest,item_feature,user_behavior\n"; }
  void AppendRow(std::string& text);

 private:
  Random random_;
};

}  // namespace polyscene::simulator
