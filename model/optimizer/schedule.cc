#include "model/optimizer/schedule.h"

#include <algorithm>
#include <cmath>

namespace polyscene {
namespace {

double Decayed(const v1::Schedule& schedule, double steps) {
  switch (schedule.decay_case()) {
    case v1::Schedule::kInverseSquareRoot: {
      const double scale = static_cast<double>(schedule.inverse_square_root().steps());
      return std::sqrt(scale / (scale + steps));
    }
    case v1::Schedule::kExponential:
      return std::exp2(-steps / static_cast<double>(schedule.exponential().half_life_steps()));
    case v1::Schedule::DECAY_NOT_SET:
      break;
  }
  return 1;
}

}  // namespace

double ScheduleFactor(const v1::Schedule& schedule, uint64_t step) {
  const auto warm_up = static_cast<uint64_t>(schedule.warm_up_steps());
  const double factor = step < warm_up ? static_cast<double>(step) / static_cast<double>(warm_up)
                                       : Decayed(schedule, static_cast<double>(step - warm_up));
  return std::max(factor, schedule.floor());
}

}  // namespace polyscene
