#include "client/simulator/classic.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace polyscene::simulator {

void ClassicRows::AppendRow(std::string& text) {
  constexpr double kNearness = 8;  // How quickly interest fades with distance.
  constexpr double kNoise = 0.4;   // In levels.
  const double interest = random_.Uniform();
  const double feature = random_.Uniform();
  const double distance = interest - feature;
  const double level = 3.2 * std::exp(-kNearness * distance * distance) + 0.8 * feature + kNoise * random_.Normal();
  absl::StrAppendFormat(&text, "%.4f,%.4f,%d\n", interest, feature,
                        std::clamp(static_cast<int>(std::lround(level)), 0, 4));
}

}  // namespace polyscene::simulator
