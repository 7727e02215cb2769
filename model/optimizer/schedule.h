// What multiplies the learning rate as steps go by: Schedule in model.proto.
#pragma once

#include <cstdint>

#include "polyscene/v1/model.pb.h"

namespace polyscene {

// The factor of update number `step`, from 1: a function of the number alone, so it needs no state. While it warms up,
// step / warm_up_steps; from there on 1, or with d = step - warm_up_steps either sqrt(n / (n + d)), as in Vaswani et
// al., "Attention Is All You Need", NeurIPS 2017, or 2^(-d / half life). Never below the floor, not even while it warms
// up.
double ScheduleFactor(const v1::Schedule& schedule, uint64_t step);

}  // namespace polyscene
